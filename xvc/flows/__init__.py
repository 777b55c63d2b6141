"""One verb a file: values in, a result out."""
