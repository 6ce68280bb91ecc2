from .connection import Path as Path
from .description import describe as describe
from .model_set import OptimalSet as OptimalSet
from .polytope import Polytope as Polytope
from .topology import Topology as Topology
from .topology import topology as topology
from .width import NonConvexSet as NonConvexSet
