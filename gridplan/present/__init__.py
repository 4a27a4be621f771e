"""Figures, maps, tables and the report: formats only."""

from gridplan.present.confirmation import confirmation_html
from gridplan.present.drawings import figures
from gridplan.present.fieldsheet import fieldcheck_html
from gridplan.present.report import report_html
from gridplan.present.tables_measures import mix_sentence
from gridplan.present.tabulation import tables
from gridplan.present.webmap import map_html
from gridplan.present.words import finding
from gridplan.present.workbook import tables_xlsx

__all__ = [
    "confirmation_html",
    "fieldcheck_html",
    "figures",
    "finding",
    "map_html",
    "mix_sentence",
    "report_html",
    "tables",
    "tables_xlsx",
]
