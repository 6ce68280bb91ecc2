from .path import PruningPath as PruningPath
from .pruner import prune as prune
