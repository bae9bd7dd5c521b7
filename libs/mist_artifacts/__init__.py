"""Where uploaded files are kept: by their content, in a folder or wherever else fsspec reaches. Knows no names."""

from mist_artifacts.store import ArtifactStore, StoreError

__all__ = ["ArtifactStore", "StoreError"]
