from .masks import check_masks as check_masks
from .reading import read_masks as read_masks
