import CommandLineInterface
import Foundation
import Runtime

/// Refuses a folder of outputs that is a file, may not be written to, or could not be made where it is not there yet.
///
/// It is found out by making an empty folder where it will be, which is taken away again: whether one can be made
/// neither the rights of the folder above it nor its kind say (`/proc` has the rights, and takes none).
///
/// - Parameters:
///   - path: The folder.
///   - option: The option that names it, without dashes.
///   - spare: Bytes by which the unfinished folder's name, which lies beside it, is longer.
/// - Throws: `CommandError` with code 2, naming option, folder and remedy.
public func checkOutputFolder(_ path: FilePath, option: String, spare: Int = 0) throws(CommandError)
{
    func refusal(_ problem: String) -> CommandError {
        CommandError(.usage, "--\(option) \(path): \(problem); name another folder")
    }
    let longest = path.bytes.split(separator: UInt8(ascii: "/")).map(\.count).max() ?? 0
    let most = Int(NAME_MAX) - spare
    guard longest <= most else {
        throw refusal("it has a name of \(longest) bytes, and \(most) are the most")
    }
    do throws(SystemError) {
        guard let nearest = try nearestFolder(to: path) else {
            throw SystemError(call: "stat", subject: path, code: ENOTDIR)
        }
        let probe = nearest.appending(".purkinje-\(getpid())-\(UInt64.random(in: 0 ... .max))")
        try probe.makeNewFolder(mode: 0o700)
        try probe.removeFolder()
    } catch {
        if path.exists, !path.isFolder {
            throw CommandError(.usage, "--\(option) \(path) is a file; name a folder")
        }
        throw refusal(
            path.exists
                ? "nothing can be written to it: \(error.reason)"
                : "it cannot be made: \(error.reason)")
    }
}

/// The folder itself or the nearest one above it that is there; `nil` where that is no folder.
private func nearestFolder(to path: FilePath) throws(SystemError) -> FilePath? {
    var nearest = path
    while true {
        do throws(SystemError) {
            return try nearest.status().kind == .folder ? nearest : nil
        } catch {
            guard error.code == ENOENT, nearest.parent != nearest else { throw error }
            nearest = nearest.parent
        }
    }
}
