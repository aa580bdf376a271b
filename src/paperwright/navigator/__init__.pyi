from . import sources as sources
from .conference import ConferenceStatistics as ConferenceStatistics
from .digest import Digest as Digest
from .doctor import Problem as Problem
from .encoders import (
    Encoder as Encoder,
    LsaEncoder as LsaEncoder,
)
from .errors import (
    EncoderMismatch as EncoderMismatch,
    LibraryError as LibraryError,
    NavigatorError as NavigatorError,
    SourceError as SourceError,
    UnknownPaperId as UnknownPaperId,
)
from .experts import Expert as Expert
from .filters import (
    COLUMNS as COLUMNS,
    Condition as Condition,
    Filter as Filter,
)
from .index import (
    Index as Index,
    Scored as Scored,
)
from .library import Library as Library
from .paper import Paper as Paper
from .records import (
    AddReport as AddReport,
    SavedSearch as SavedSearch,
)
from .search import (
    Hit as Hit,
    Page as Page,
    Why as Why,
)
from .semantic_map import SemanticMap as SemanticMap
from .topics import Topic as Topic
from .trends import Trend as Trend
