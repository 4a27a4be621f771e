"""A plan on disk: GeoPackage, JSON and the run's folder."""
