"""Where papers come from: each source gives batches of papers, and can go on where it was interrupted."""

from .arxiv_feeds import arxiv as arxiv
from .arxiv_feeds import arxiv_oai as arxiv_oai
from .bibtex_entries import bibtex as bibtex
from .http import Client as Client
from .http import Reach as Reach
from .json_records import paperlists as paperlists
from .openalex_works import openalex as openalex
from .opening import open_source as open_source
from .openreview_notes import openreview as openreview
from .room_cards import cards as cards
from .semantic_scholar_graph import semantic_scholar as semantic_scholar
from .source import Batch as Batch
from .source import Source as Source
from .tables import csv_table as csv
from .tables import iclr_csv as iclr_csv

__all__ = [
    "Batch",
    "Client",
    "Reach",
    "Source",
    "arxiv",
    "arxiv_oai",
    "bibtex",
    "cards",
    "csv",
    "iclr_csv",
    "open_source",
    "openalex",
    "openreview",
    "paperlists",
    "semantic_scholar",
]
