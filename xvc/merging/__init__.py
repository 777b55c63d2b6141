"""Merging and rebasing stores, work trees and Parquet files."""
