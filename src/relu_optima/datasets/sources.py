"""Where the real data sets come from, and the digests their files must have.

Every file that is read, from a user's data folder or downloaded, is checked against this table; a
file without a digest here is never downloaded.

Origins: UCI sets in the version of Fernandez-Delgado et al. (JMLR 2014), as collected at a pinned
commit, or the same values as CSV; MNIST by the digest of the uncompressed files; CIFAR-10 as the
authors' binary archive, or as a subset of 500 training and 200 test images per class.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UciSource:
    """Files of one UCI set.

    Attributes
    ----------
    path : str
        Path below `UCI_URL`.
    csv_sha256, dat_sha256 : str
        Digests of ``<name>.csv`` of a data folder and of the original file.
    """

    path: str
    csv_sha256: str
    dat_sha256: str


@dataclass(frozen=True)
class Remote:
    """A file that can be downloaded.

    Attributes
    ----------
    url : str
        Where it is.
    digest : str
        ``sha256:<hex>`` or ``md5:<hex>``.
    compressed : bool
        True if the digest is that of the content after gunzip.
    """

    url: str
    digest: str
    compressed: bool = False


UCI_URL = (
    "https://raw.githubusercontent.com/Doctorado-ML/Stree_datasets/"
    "a04a75a28f483c858ca6234998655a8a8773c7c9/data/tanveer/"
)
UCI: dict[str, UciSource] = {
    "blood": UciSource(
        "blood/blood_R.dat",
        "d6ac3a45987164c24941343d05518ea59f23acb51f34d9a0b49d962f57bb1256",
        "8ec0e282e68c246050298ff8aa48a507f236ab8e01ed98fba704bff8a44b049f",
    ),
    "breast-cancer": UciSource(
        "breast-cancer/breast-cancer_R.dat",
        "fa25f5665c7a3064705d31b2d51141c96881d8ce66f809845b81a76de7de01bd",
        "b66f0ff064502ba899ec6c77733f3af72884521aba134ec9b3453f144255fe1a",
    ),
    "fertility": UciSource(
        "fertility/fertility_R.dat",
        "1673c58cfffc10d7c4d31287c578bd7811c30d094322b5bd483ed6e3a7302019",
        "de555f4bd22f4be22e5d2331de18c1a86924a4e9c5f6d003861b0ab4f2fd2130",
    ),
    "heart-hungarian": UciSource(
        "heart-hungarian/heart-hungarian_R.dat",
        "73717189126a1b5d863258a850e6a4d5bee7dd753d51f89c278b6312d0054ff1",
        "5176fb25675f831a552974c09430c6eb778b8ce130c6ec3f25c8ff4a28964fd3",
    ),
    "hepatitis": UciSource(
        "hepatitis/hepatitis_R.dat",
        "0ff27b32faf4842ea6d8089da8880ba596d058577f081aef1b43fe7415040da9",
        "e05e0f3f40b16dd97efa83306c76afe37809e061c1882ebe627979808fbf148e",
    ),
    "hill-valley": UciSource(
        "hill-valley/hill-valley_train_R.dat",
        "45aedd75876cd6a1a00c52c329f25601630c6a83723e8480d7e72f7530c4b301",
        "6c66f37f82e2de3f8788e153fbbba893849a06c17a3d127f05769b53225baebe",
    ),
    "mammographic": UciSource(
        "mammographic/mammographic_R.dat",
        "ad18427d6203b1100efa22414b3dd215aecdbf6eebfe7a60c9073b89be7631d6",
        "a75af0c3eeeba0b3ebf5ec423cee56ff26ba07ace8b2e0ab390d2491e4d73555",
    ),
    "monks-1": UciSource(
        "monks-1/monks-1_train_R.dat",
        "02f19f8206562124cafa4c3039253b7dc29497a2dea682940fe02001026d98e0",
        "fdf346554f2c66927df7b2c32b601f6adb5ea950cf5a2e754df1ab420231317c",
    ),
    "planning": UciSource(
        "planning/planning_R.dat",
        "6feda20f3e29257ac0adb717ff20d187f241caab62f83c0c5533e6863274711a",
        "d87899e195ffa343993a6b7abea93cea89253ea95655e7f58a96d86c3fd751b5",
    ),
    "spectf": UciSource(
        "spectf/spectf_train_R.dat",
        "6a3ac4913a1d8e23818c8b310d42a29f15c64695115b7132f0fafc4b53b6711c",
        "4bae8e0312fc2c0c80585bc27db699b7583478f6483c660bdb6b35d676f705e2",
    ),
    "horse-colic": UciSource(
        "horse-colic/horse-colic_train_R.dat",
        "2d8d02e225f7f9c94c71df5b98818fa7a83400137218400214bbfc4705aa24cc",
        "bdd4dbc6b5306b55283b3805f2c6ba1a328c4766e99ecd1d4d53c4c6b3035d96",
    ),
    "ilpd-indian-liver": UciSource(
        "ilpd-indian-liver/ilpd-indian-liver_R.dat",
        "c6811b72370c76c09363d2edc4532e600c08cf0b8e3ffdf6323ca3b9811687da",
        "ad68168b37e5e7998146f292471461b03835462cc6c82d3f02fc3488216fa3f8",
    ),
    "parkinsons": UciSource(
        "parkinsons/parkinsons_R.dat",
        "46c470fd362d12cb129298238479454193fd7c0aaf6f6d1b60241c6f74b045e3",
        "ed0548167f85c0a6fa3bf65d360949decf1e3a731a5fccde4ed4750b823adabd",
    ),
    "pima": UciSource(
        "pima/pima_R.dat",
        "8cd367079ea6b9e35bd105be643084dd69843e59efb44f3e346f1258092ca5bf",
        "949a1906bbb6b4e8d07fd034bc59ba53164628d6516aba9f2ce6eb8959da8208",
    ),
    "tic-tac-toe": UciSource(
        "tic-tac-toe/tic-tac-toe_R.dat",
        "d3f36da7ef151cd1459ceb610d53f7447ca3b18bcca2d358f218a8ac4f28e12d",
        "214a569f940db1ad9e8b86ebe5e5b32ba4599ea54d3dea8c3e598f1c3dc269af",
    ),
    "statlog-heart": UciSource(
        "statlog-heart/statlog-heart_R.dat",
        "f73bd6d124dc1d613c33859b1894107f6d9b95b5e7b87d0a15b65a604fcacd5b",
        "d9aeb311b7d88192c74dcec19ca7ef6e58551dae5e3174093e042f56b8e896c3",
    ),
    "ionosphere": UciSource(
        "ionosphere/ionosphere_R.dat",
        "9543e15ac360570eecb90a9ec73819276cdb4a859da0cbb8f1acef6f55caacb9",
        "831a37f79fbf84cfe40632145280ac905523a4f7d7d2624baaa7d7b571c67815",
    ),
}

MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MNIST: dict[str, Remote] = {
    name: Remote(MNIST_URL + name, f"md5:{md5}", compressed=True)
    for name, md5 in {
        "train-images-idx3-ubyte.gz": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte.gz": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte.gz": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte.gz": "27ae3e4e09519cfbb04c329615203637",
    }.items()
}

CIFAR_ARCHIVE = Remote(
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
CIFAR_SUBSETS: dict[str, str] = {
    "cifar10_3vs5_500_200.npz": "afec83f077b11e7f5e2f44035fcd230dad2d34133f450ec4a559b9dbfaee4bb8",
    "cifar10_0vs2_500_200.npz": "81718d8e55dd05b96b43cbf88bddf8af39cb00221ad53c06974c49fa5936df10",
    "cifar10_1vs8_500_200.npz": "193deea23da0ca35e13e46bd97d2771b047d8eeb4347d55227032c5edeabfb4e",
}
