import Configurations
import Runtime

extension RunDirectory {
    /// Begins a run here, or goes on with the one that is here.
    ///
    /// Settings that decide no bits (such as how often to save) may change when a run goes on; the
    /// record is written again with them.
    ///
    /// - Parameters:
    ///   - configuration: What to train; `nil` goes on with what is written here.
    ///   - dataPath: Where the data set is; `nil` for where it was. Written down in full, since who goes on with the run may
    ///     stand elsewhere.
    ///   - dataDigest: Its content; `nil` where it is not known yet.
    ///   - fresh: Whether a folder with anything in it is refused.
    /// - Returns: The record, as it is written now.
    /// - Throws: `RunError.differs` when the run here has another configuration or data set, and
    ///   others.
    public func open(
        configuration: Configuration?, dataPath: FilePath?, dataDigest: Digest?, fresh: Bool = false
    ) throws(RunError) -> RunRecord {
        let isBegun = try isBegun()
        guard isBegun || configuration != nil else { throw .absent(path: path) }
        let dataPath = dataPath.map(\.absolute)
        try create(fresh: fresh)
        guard isBegun else {
            guard let configuration else { throw .absent(path: path) }
            let record = RunRecord(
                id: .random(), configuration: configuration, version: Software.version,
                dataPath: dataPath, dataDigest: dataDigest)
            try write(record)
            return record
        }
        let former = try read()
        let wanted: Configuration
        do throws(ConfigurationError) {
            wanted =
                try configuration?.startingFromWeights(of: former.configuration)
                ?? former.configuration
        } catch {
            throw .configuration(error)
        }
        var differences = wanted.differences(from: former.configuration).map(\.description)
        if let old = former.dataDigest, let new = dataDigest, old != new {
            differences.append("data set: sha256:\(new) here, sha256:\(old) in the run")
        }
        guard differences.isEmpty else { throw .differs(path: path, differences: differences) }
        let record = RunRecord(
            id: former.id, configuration: wanted, version: Software.version,
            dataPath: dataPath ?? former.dataPath, dataDigest: dataDigest ?? former.dataDigest)
        try write(record)
        return record
    }
}
