"""The command line (extra ``tools``): ``python -m mm7_wsgi``. Nothing else of the package imports it."""
