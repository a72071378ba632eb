//! The datasets that can be downloaded, a row each.
//!
//! Checksums: SHA-256 and sizes as TensorFlow Datasets 4.9.10 states them, MD5 as torchvision 0.29
//! states it where the former has none.

use super::remote::{
    Checksum::{Md5, Sha256},
    Download,
    Keep::{Bzip2, Members, Whole},
    Remote,
};

const fn file(name: &'static str, bytes: u64, sha256: &'static str) -> Remote {
    Remote {
        name,
        bytes: Some(bytes),
        checksum: Sha256(sha256),
        keep: Whole,
    }
}

const fn by_md5(name: &'static str, md5: &'static str) -> Remote {
    Remote {
        name,
        bytes: None,
        checksum: Md5(md5),
        keep: Whole,
    }
}

pub(super) static DOWNLOADS: &[Download] = &[
    Download {
        name: "fashion-mnist",
        title: "Fashion-MNIST",
        summary: "70,000 photos of clothes, 28×28 grey",
        source: "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST, a novel image dataset for benchmarking machine learning algorithms, 2017",
        licence: "MIT",
        base: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        classes: &[
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
        files: &[
            file(
                "train-images-idx3-ubyte.gz",
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            file(
                "train-labels-idx1-ubyte.gz",
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            ),
            file(
                "t10k-images-idx3-ubyte.gz",
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            ),
            file(
                "t10k-labels-idx1-ubyte.gz",
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ],
    },
    Download {
        name: "kmnist",
        title: "Kuzushiji-MNIST",
        summary: "70,000 characters of old Japanese, 28×28 grey",
        source: "T. Clanuwat et al.: Deep learning for classical Japanese literature, 2018",
        licence: "CC BY-SA 4.0",
        base: "http://codh.rois.ac.jp/kmnist/dataset/kmnist",
        classes: &["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
        files: &[
            file(
                "train-images-idx3-ubyte.gz",
                18_165_135,
                "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            ),
            file(
                "train-labels-idx1-ubyte.gz",
                29_497,
                "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            ),
            file(
                "t10k-images-idx3-ubyte.gz",
                3_041_136,
                "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            ),
            file(
                "t10k-labels-idx1-ubyte.gz",
                5_120,
                "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            ),
        ],
    },
    Download {
        name: "qmnist",
        title: "QMNIST",
        summary: "120,000 digits: MNIST with its lost test part",
        source: "C. Yadav, L. Bottou: Cold case, the lost MNIST digits, 2019",
        licence: "BSD-3-Clause",
        base: "https://raw.githubusercontent.com/facebookresearch/qmnist/master",
        classes: &[],
        files: &[
            by_md5(
                "qmnist-train-images-idx3-ubyte.gz",
                "ed72d4157d28c017586c42bc6afe6370",
            ),
            by_md5(
                "qmnist-train-labels-idx2-int.gz",
                "0058f8dd561b90ffdd0f734c6a30e5e4",
            ),
            by_md5(
                "qmnist-test-images-idx3-ubyte.gz",
                "1394631089c404de565df7b7aeaf9412",
            ),
            by_md5(
                "qmnist-test-labels-idx2-int.gz",
                "5b5b05890a5e13444e108efe57b788aa",
            ),
        ],
    },
    Download {
        name: "emnist-letters",
        title: "EMNIST letters",
        summary: "145,600 letters, 28×28 grey",
        source: "G. Cohen, S. Afshar, J. Tapson, A. van Schaik: EMNIST, an extension of MNIST to handwritten letters, 2017; from NIST Special Database 19",
        licence: "none stated",
        base: "https://biometrics.nist.gov/cs_links/EMNIST",
        classes: &[],
        files: &[Remote {
            name: "gzip.zip",
            bytes: Some(561_753_746),
            checksum: Sha256("fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"),
            keep: Members(
                "gzip",
                &[
                    "emnist-letters-train-images-idx3-ubyte.gz",
                    "emnist-letters-train-labels-idx1-ubyte.gz",
                    "emnist-letters-test-images-idx3-ubyte.gz",
                    "emnist-letters-test-labels-idx1-ubyte.gz",
                    "emnist-letters-mapping.txt",
                ],
            ),
        }],
    },
    Download {
        name: "usps",
        title: "USPS",
        summary: "9,298 digits from envelopes, 16×16 grey",
        source: "J. J. Hull: A database for handwritten text recognition research, 1994; as LIBSVM has it",
        licence: "none stated",
        base: "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass",
        classes: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        files: &[
            Remote {
                name: "usps.bz2",
                bytes: None,
                checksum: Md5("ec16c51db3855ca6c91edd34d0e9b197"),
                keep: Bzip2("train.libsvm"),
            },
            Remote {
                name: "usps.t.bz2",
                bytes: None,
                checksum: Md5("8ea070ee2aca1ac39742fdd1ef5ed118"),
                keep: Bzip2("test.libsvm"),
            },
        ],
    },
    Download {
        name: "cifar-10",
        title: "CIFAR-10",
        summary: "60,000 photos of 10 things, 32×32 in colour",
        source: "A. Krizhevsky: Learning multiple layers of features from tiny images, 2009",
        licence: "none stated",
        base: "https://www.cs.toronto.edu/~kriz",
        classes: &[],
        files: &[Remote {
            name: "cifar-10-binary.tar.gz",
            bytes: Some(170_052_171),
            checksum: Sha256("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
            keep: Members(
                "cifar-10-batches-bin",
                &[
                    "batches.meta.txt",
                    "data_batch_1.bin",
                    "data_batch_2.bin",
                    "data_batch_3.bin",
                    "data_batch_4.bin",
                    "data_batch_5.bin",
                    "test_batch.bin",
                ],
            ),
        }],
    },
];
