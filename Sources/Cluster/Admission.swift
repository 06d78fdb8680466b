import Configurations
import Runtime

/// Who may take part in a run: what all workers must have in common, fixed by the run or by the first worker.
public struct Admission: Sendable {
    /// The run's configuration.
    public let configuration: Configuration
    /// The run, 32 hexadecimal digits.
    public let runID: String
    /// The version of the software.
    public let softwareVersion: String
    /// Whether workers with other matrix kernels are let in.
    public let allowsMixedKernels: Bool
    /// Whether workers are let in that were built from other sources of the same release.
    public let allowsMixedBuilds: Bool
    /// Content of the data set; fixed by the first worker where the run does not know it.
    public private(set) var datasetDigest: Digest?
    /// Kernel of the first worker.
    public private(set) var kernel: String?
    /// Matrix library of the first worker.
    public private(set) var matrixLibrary = ""

    /// The rules of a run.
    public init(
        configuration: Configuration, runID: String, softwareVersion: String,
        datasetDigest: Digest?, allowsMixedKernels: Bool, allowsMixedBuilds: Bool = false
    ) {
        self.configuration = configuration
        self.runID = runID
        self.softwareVersion = softwareVersion
        self.datasetDigest = datasetDigest
        self.allowsMixedKernels = allowsMixedKernels
        self.allowsMixedBuilds = allowsMixedBuilds
    }

    /// Digest of the keys that decide bits, and of the data set.
    public var configurationDigest: Digest? {
        datasetDigest.map { configuration.digest(dataset: $0) }
    }

    /// Looks at a worker that wants to take part.
    ///
    /// - Returns: Why it is refused, for its user to read; `nil` when it is welcome.
    public mutating func check(_ hello: Hello) -> String? {
        switch relation(of: hello) {
        case .otherRelease:
            return "version differs: the worker has \(hello.softwareVersion), the coordinator "
                + "\(softwareVersion); install the same on all machines"
        case .otherSources where !allowsMixedBuilds:
            return
                "the worker was built from other sources (\(hello.softwareVersion)) than the coordinator "
                + "(\(softwareVersion)), and might round differently; install the same build on all "
                + "machines, all three programs of it, or give the coordinator --allow-mixed-builds"
        case .same, .otherSources, .unknown: break
        }
        guard hello.runID == runID else {
            return "the worker was started for run \(hello.runID), this coordinator runs \(runID); "
                + "look at --run and --coordinator"
        }
        guard let dataset = Digest(hexadecimal: hello.datasetDigest) else {
            return "the worker names no data set"
        }
        if let expected = datasetDigest, expected != dataset {
            return
                "data set differs: the worker has sha256:\(dataset), the run sha256:\(expected); "
                + "prepare it from the same sources, or copy the run's file and give it with --data"
        }
        let digest = configuration.digest(dataset: dataset).description
        guard digest == hello.configurationDigest else {
            return "configuration differs: " + differences(hello.configuration)
        }
        if let kernel, kernel != hello.kernel, !allowsMixedKernels {
            return "matrix kernels differ: the worker has \(hello.kernel), the run \(kernel); "
                + "set OPENBLAS_CORETYPE to a common one on all machines, or give the coordinator "
                + "--allow-mixed-kernels (replicas stay equal, a rerun elsewhere may differ)"
        }
        datasetDigest = dataset
        if kernel == nil {
            kernel = hello.kernel
            matrixLibrary = hello.matrixLibrary
        }
        return nil
    }

    /// What should be known of a worker that is let in: a build that is not, or may not be, the coordinator's.
    ///
    /// - Returns: One line; `nil` where there is nothing to say.
    public func notice(of hello: Hello) -> String? {
        let builds =
            "the coordinator \(softwareVersion), the worker on \(hello.hostName) "
            + "\(hello.softwareVersion)"
        return switch relation(of: hello) {
        case .same, .otherRelease: nil
        case .otherSources:
            "members are built from other sources, which --allow-mixed-builds lets pass: \(builds); "
                + "another run may have other bits"
        case .unknown:
            "whether members are built from the same sources is not known: \(builds)"
        }
    }

    private func relation(of hello: Hello) -> BuildIdentity.Relation {
        BuildIdentity(version: softwareVersion)
            .relation(to: BuildIdentity(version: hello.softwareVersion))
    }

    private func differences(_ text: String) -> String {
        let unknown = "the worker's configuration cannot be read"
        guard let value = try? JSONValue(parsing: text.utf8),
            let theirs = try? Configuration(value, name: "the worker's configuration")
        else { return unknown }
        let differing = theirs.differences(from: configuration).map(\.description)
        return differing.isEmpty ? unknown : differing.joined(separator: "; ")
    }
}
