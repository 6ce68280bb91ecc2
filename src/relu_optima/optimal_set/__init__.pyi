from .description import OptimalSet as OptimalSet
from .description import describe as describe
from .polytope import Polytope as Polytope
from .width import NonConvexSet as NonConvexSet
