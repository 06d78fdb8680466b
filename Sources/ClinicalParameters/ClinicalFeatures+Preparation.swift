import Electrocardiography

extension ClinicalFeatures {
    /// Changes with every change of a number's meaning or computation.
    static let version = "clinical-3"

    /// The features as `data prepare` stores them with each window.
    public static let ofWindows = WindowFeatures(count: count, version: version) {
        let analyser = ClinicalAnalyser()
        return { leads, rate in values(of: analyser.measure(leads, sampleRateHz: rate)) }
    }
}
