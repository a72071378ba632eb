//! What an experiment says of a file.

use bakeoff_core::SettingKind;

bakeoff_core::settings! {
    /// The settings of the family.
    pub(crate) struct GivenSettings {
        path: String = "", SettingKind::Text("the path of an .onnx file, relative to the experiment's file"),
            "the .onnx file, relative to the experiment's file; a copy is a part of the saved model";
        sha256: String = "", SettingKind::Text("64 hexadecimal digits"),
            "SHA-256 of the file with all its tensors; found by reading it, and checked where it is stated";
        layout: Layout = "auto", Layout::KIND,
            "the order of pixels: nchw, nhwc, flat (channel by channel), or found from the input's shape";
        scale: Scale = "0-1", Scale::KIND,
            "the numbers that black and white become, for inputs of floats; uint8 gets the bytes";
        mean: Vec<f64> = [], SettingKind::FloatList { min: -1000.0, max: 1000.0 },
            "subtracted from each channel after scaling";
        std: Vec<f64> = [], SettingKind::FloatList { min: 1e-6, max: 1000.0 },
            "each channel is divided by it after that";
        input: String = "", SettingKind::Text("the name of an input"),
            "the input that takes the images, where there are several";
        output: String = "", SettingKind::Text("the name of an output"),
            "the output with a number for each class, where there are several";
        outputs: Outputs = "probabilities", Outputs::KIND,
            "what these numbers are; logits go through softmax";
        classes: Vec<String> = [], SettingKind::TextList("class names in the order of the outputs"),
            "the class names in the order of the model's outputs, where it is not that of the dataset";
    }
}

bakeoff_core::choices! {
    /// The order of pixels.
    pub(crate) enum Layout {
        /// Found from the shape.
        Auto = "auto",
        /// Channels first.
        Nchw = "nchw",
        /// Channels last.
        Nhwc = "nhwc",
        /// Channels first, in one axis.
        Flat = "flat",
    }
}

bakeoff_core::choices! {
    /// What black and white become.
    pub(crate) enum Scale {
        /// Divided by 255.
        Unit = "0-1",
        /// As they are.
        Bytes = "0-255",
        /// From minus one.
        Signed = "-1-1",
    }
}

bakeoff_core::choices! {
    /// What the outputs are.
    pub(crate) enum Outputs {
        /// They sum to one.
        Probabilities = "probabilities",
        /// Scores before a softmax, or logarithms of probabilities.
        Logits = "logits",
    }
}
