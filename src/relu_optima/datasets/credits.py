"""Who made the data sets and under what licence: what a bundle says of the data it holds.

A licence stands here only where the makers themselves state one. No run reads this module, so a
line that is corrected makes no run stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Credit:
    """Where data come from.

    Attributes
    ----------
    title : str
        Name of the data set.
    citation : str
        What to cite, or ``unknown``.
    licence : str
        Its licence, or ``unknown``; empty for data that this program makes.
    url : str
        Where it is from; empty if nobody knows.
    """

    title: str
    citation: str = UNKNOWN
    licence: str = UNKNOWN
    url: str = ""


MADE_HERE = frozenset({
    "clusters", "deep_identity", "gaussian_rows", "inline", "lattice", "matrix_target",
    "one_dimensional", "planted_filters", "planted_relu", "planted_vector", "spiral", "staircase",
    "whitened", "whitened_classes", "window_clusters",
})  # fmt: skip
_UCI = (
    "M. Fernandez-Delgado, E. Cernadas, S. Barro, D. Amorim (2014). Do we need hundreds of "
    "classifiers to solve real world classification problems? Journal of Machine Learning "
    "Research 15, 3133-3181"
)
_MNIST = Credit(
    "MNIST handwritten digits",
    "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). Gradient-based learning applied to "
    "document recognition. Proceedings of the IEEE 86(11), 2278-2324",
    url="http://yann.lecun.com/exdb/mnist/",
)
_CIFAR = Credit(
    "CIFAR-10",
    "A. Krizhevsky (2009). Learning multiple layers of features from tiny images. Technical "
    "report, University of Toronto",
    url="https://www.cs.toronto.edu/~kriz/cifar.html",
)
# as the descriptions that come with scikit-learn cite them
_BUNDLED = {
    "breast_cancer": Credit(
        "Breast cancer Wisconsin (diagnostic)",
        "W. N. Street, W. H. Wolberg, O. L. Mangasarian (1993). Nuclear feature extraction for "
        "breast tumor diagnosis. IS&T/SPIE International Symposium on Electronic Imaging 1905, "
        "861-870",
    ),
    "digits": Credit(
        "Optical recognition of handwritten digits",
        "C. Kaynak (1995). Methods of combining multiple classifiers and their applications to "
        "handwritten digit recognition. MSc thesis, Bogazici University",
    ),
    "wine": Credit(
        "Wine recognition",
        "S. Aeberhard, D. Coomans, O. de Vel (1992). Comparison of classifiers in high dimensional "
        "settings. Technical report 92-02, James Cook University of North Queensland",
    ),
    "iris": Credit(
        "Iris plants",
        "R. A. Fisher (1936). The use of multiple measurements in taxonomic problems. Annals of "
        "Eugenics 7(2), 179-188",
    ),
    "diabetes": Credit(
        "Diabetes",
        "B. Efron, T. Hastie, I. Johnstone, R. Tibshirani (2004). Least angle regression. Annals "
        "of Statistics 32(2), 407-499",
    ),
}


def credit_of(dataset: Mapping[str, Any]) -> Credit:
    """Look up whose data a config of group ``dataset`` names; nothing is guessed."""
    loader = str(dataset["loader"])
    if loader in MADE_HERE:
        return Credit(f"made by loader {loader}", "", "")
    if loader == "sklearn_bundled":
        return _BUNDLED[str(dataset["source"])]
    if loader == "uci":
        from relu_optima.datasets.sources import UCI_URL

        return Credit(f"UCI {dataset['name']}, as in Fernandez-Delgado et al.", _UCI, url=UCI_URL)
    known = {"mnist": _MNIST, "cifar_pair": _CIFAR, "cifar_classes": _CIFAR}
    return known.get(loader) or Credit(f"read by loader {loader}")
