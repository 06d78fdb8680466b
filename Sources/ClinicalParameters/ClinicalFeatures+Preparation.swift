import Electrocardiography

extension ClinicalFeatures {
    /// Changes with every change of a number's meaning or computation.
    public static let version = "clinical-4"

    /// Why the clinical parameters that a set stores cannot be used.
    ///
    /// - Parameter dataset: A prepared set.
    /// - Returns: What is wrong and the remedy, to stand behind the set's name; `nil` where they are those of this build.
    public static func problem(of dataset: PreparedDataset) -> String? {
        let stored = dataset.clinicalFeatureCount
        if stored == 0 { return "holds no clinical parameters; prepare it again" }
        let former = dataset.clinicalFeatureVersion ?? "a version that it does not name"
        guard stored == count, dataset.clinicalFeatureVersion == version else {
            return
                "holds \(stored) clinical parameters of a window, of \(former), not the \(count) of "
                + "\(version) that this build measures; prepare it again"
        }
        return nil
    }

    /// The features as `data prepare` stores them with each window.
    public static let ofWindows = WindowFeatures(count: count, version: version) {
        let analyser = ClinicalAnalyser()
        return { leads, rate in values(of: analyser.measure(leads, sampleRateHz: rate)) }
    }
}
