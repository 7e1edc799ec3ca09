"""The web page: a gallery of crops searched by words, by pictures, by both. Needs ``mmt2ireid[demo]``."""

from mmt2ireid.apis.web.limits import PageLimits
from mmt2ireid.apis.web.opening import open_searcher
from mmt2ireid.apis.web.service import SearchService
from mmt2ireid.apis.web.serving import Address, running_page, serve

__all__ = ['Address', 'PageLimits', 'SearchService', 'open_searcher', 'running_page', 'serve']
