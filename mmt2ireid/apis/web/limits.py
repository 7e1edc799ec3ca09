"""What one visitor may ask of a page that others use too."""

from __future__ import annotations

from dataclasses import dataclass

from mmt2ireid.apis.search.pictures import PictureLimits

_SCANS = 16  # of a JPEG of max_pixels; smaller ones may have more
_AT_LEAST_1 = (
    'max_uploads',
    'max_added',
    'max_pixels',
    'max_results',
    'max_waiting',
    'max_request_kb',
    'max_uploading',
    'max_uploading_mb',
    'max_connections',
)


@dataclass(frozen=True)
class PageLimits:
    """Limits of the page.

    Attributes:
        max_upload_mb: MiB of one uploaded file.
        max_uploads: files that are uploaded at once.
        max_added: crops that the page's visitors may add in all; counted over restarts.
        max_pixels: of an uploaded picture, looked up before it is decoded.
        max_results: crops that a search shows.
        max_waiting: requests that may wait; further ones are told so.
        max_request_kb: KiB of a request that is no upload.
        max_kept_mb: MiB of uploaded files that are kept for the visitors that sent them; the oldest go first.
        kept_s: seconds that they are kept at most.
        max_uploading: requests with uploads that are on their way in at once; further ones are told to come later.
        max_uploading_mb: MiB that these may have in all; never less than one request may have.
        upload_s: seconds that such a request may take to arrive.
        request_s: seconds that any other may take.
        idle_s: seconds that a connection may pass without a request, and a request without a byte.
        max_connections: at once; further ones are closed.
    """

    max_upload_mb: float = 10
    max_uploads: int = 20
    max_added: int = 1000
    max_pixels: int = 25_000_000
    max_results: int = 60
    max_waiting: int = 64
    max_request_kb: int = 1024
    max_kept_mb: int = 1024
    kept_s: float = 3600
    max_uploading: int = 8
    max_uploading_mb: int = 256
    upload_s: float = 600
    request_s: float = 60
    idle_s: float = 20
    max_connections: int = 512

    def __post_init__(self) -> None:
        for name in _AT_LEAST_1:
            if getattr(self, name) < 1:
                raise ValueError(f'{name} must be at least 1, but got {getattr(self, name)}')
        for name in ('upload_s', 'request_s', 'idle_s'):
            if not getattr(self, name) > 0:
                raise ValueError(f'{name} must be more than 0, but got {getattr(self, name)}')
        if not 0 < self.max_upload_mb <= 1024:
            raise ValueError(f'max_upload_mb must be more than 0 and at most 1024, but got {self.max_upload_mb}')
        if self.max_kept_mb < self.max_request_bytes / 2**20:
            raise ValueError(
                f'max_kept_mb must hold max_uploads files of max_upload_mb, but got {self.max_kept_mb} for '
                f'{self.max_uploads} of {self.max_upload_mb:g} MiB'
            )

    @property
    def max_upload_bytes(self) -> int:
        """Bytes of one uploaded file."""
        return int(self.max_upload_mb * 2**20)

    @property
    def max_request_bytes(self) -> int:
        """Bytes of one request that uploads files: all of them and what is sent around them."""
        return self.max_uploads * (self.max_upload_bytes + 2**12) + 2**16

    @property
    def max_uploading_bytes(self) -> int:
        """Bytes of all uploads that are on their way in."""
        return max(self.max_uploading_mb * 2**20, self.max_request_bytes)

    @property
    def pictures(self) -> PictureLimits:
        """Limits of the uploaded pictures."""
        return PictureLimits(
            max_bytes=self.max_upload_bytes, max_pixels=self.max_pixels, max_scanned=_SCANS * self.max_pixels
        )
