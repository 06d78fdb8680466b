import ClinicalParameters
import Configurations
import Electrocardiography
import Runtime

extension PreparedDataset: WindowSource {
    /// What is known of a window beside its signal.
    public func facts(of window: Int) -> WindowFacts {
        let record = self.window(window).record
        return WindowFacts(
            record: record.name, patient: patient(ofWindow: window),
            superclasses: record.superclasses, fold: record.fold)
    }

    /// The superclasses of a window's record by a rule of its own.
    public func superclasses(of window: Int, rule: LabelRule) -> Superclasses {
        rule.superclasses(of: self.window(window).record, in: self)
    }
}

/// A prepared set cannot be used with a configuration, or not at all.
public struct UnfitDataset: Error, Equatable, CustomStringConvertible {
    /// The set.
    public let dataset: FilePath
    /// What is wrong, and what to do.
    public let problem: String

    /// One line: what, where, remedy.
    public var description: String { "\(dataset) \(problem)" }
}

extension PreparedDataset {
    /// Refuses to train or evaluate a configuration on a set that it cannot read its crops from.
    ///
    /// - Parameters:
    ///   - configuration: Says what its encoder sees.
    ///   - needsClinicalFeatures: Whether its method takes clinical parameters, too.
    /// - Throws: `UnfitDataset` for another sampling rate, windows that are too short, and clinical parameters that are
    ///   needed and absent or of another version.
    public func requireFit(
        to configuration: Configuration, needsClinicalFeatures: Bool
    ) throws(UnfitDataset) {
        let input = configuration.input
        guard sampleRateHz == input.sampleRateHz else {
            throw UnfitDataset(
                dataset: path,
                problem: "has \(sampleRateHz) samples a second, input.sampleRateHz of the "
                    + "configuration is \(input.sampleRateHz); prepare it again with "
                    + "--rate \(input.sampleRateHz)")
        }
        guard samplesPerWindow >= input.cropSamples else {
            throw UnfitDataset(
                dataset: path,
                problem: "has windows of \(samplesPerWindow) samples, input.cropSamples of the "
                    + "configuration is \(input.cropSamples)")
        }
        if needsClinicalFeatures, let problem = ClinicalFeatures.problem(of: self) {
            throw UnfitDataset(
                dataset: path, problem: "\(problem): \(configuration.method.name) takes them, too")
        }
    }

    /// Refuses to train on crops of whole records where windows of a record do not join.
    ///
    /// - Parameter configuration: Says where crops may end.
    /// - Throws: `UnfitDataset` for a set in which each window was resampled by itself.
    public func requireJoinedWindows(for configuration: Configuration) throws(UnfitDataset) {
        guard configuration.input.crops == .record, !joinsWindows,
            (0..<windowCount).contains(where: isFollowed)
        else { return }
        throw UnfitDataset(
            dataset: path,
            problem: "was prepared by a version that resampled each window by itself, so that the "
                + "windows of a record do not join, and input.crops of the configuration is "
                + "'record'; prepare it again")
    }

    /// Refuses a set whose clinical parameters are of another version; a set may have none.
    ///
    /// - Throws: `UnfitDataset`.
    public func requireCurrentClinicalFeatures() throws(UnfitDataset) {
        guard clinicalFeatureCount > 0, let problem = ClinicalFeatures.problem(of: self) else {
            return
        }
        throw UnfitDataset(dataset: path, problem: problem)
    }
}
