import Runtime

extension RunDirectory {
    /// What lies in a folder that holds no run and is not a run's own, sorted; empty where a run may be begun.
    ///
    /// A run that was killed before it wrote its configuration leaves files of its own alone. Names that begin with a dot
    /// belong to file systems and to files that are being written.
    public var strangers: [FilePath] {
        guard !holdsRun, let names = try? files.names(in: path) else { return [] }
        return names.filter { !$0.hasPrefix(".") && !Self.isOwnFile($0) }.sorted()
    }

    /// Why no run may be begun in the folder, with the remedy; `nil` where one may be.
    public var objection: String? {
        if files.exists(path), !files.isFolder(path) {
            return "\(path): this is a file; name a new or an empty folder for the run"
        }
        guard let first = strangers.first else { return nil }
        let others = strangers.count - 1
        return "\(path): this folder holds no run, but other things (\(first)"
            + (others > 0 ? " and \(others) more" : "")
            + "); name a new or an empty folder for the run"
    }
}
