"""One module for each framework and server that has a way of its own to be told of MM7.

Each imports its framework, which an extra of the same name installs, and nothing else of the package imports any.
"""
