import CommandLineInterface
import Foundation
import Launching
import Runs
import Runtime

/// The workers of a launch on other machines, once all machines have proved fit.
struct RemoteWorkers {
    /// How each is started.
    let programs: [Launch.Program]
    /// This machine's address as the others see it.
    let address: String

    /// Asks every machine, prints a table, and goes on only if nothing stands in the way.
    init(
        _ settings: LaunchSettings, directory: RunDirectory, data: FilePath?,
        programs folder: FilePath
    ) throws {
        let run = directory.path.absolute
        let hosts = settings.hosts.map { host in
            var host = host
            host.programs = host.programs ?? folder
            host.run = host.run ?? run
            host.data = host.data ?? data?.absolute
            return host
        }
        let answers = try Self.preflight(hosts, settings, run: run, data: data)
        Log().info(Self.table(answers))
        let problems = answers.flatMap { answer in
            answer.problems.map { "\(answer.host.destination): \($0)" }
        }
        guard problems.isEmpty else {
            throw CommandError(
                .failure, "nothing was started:\n  " + problems.joined(separator: "\n  "))
        }
        let addresses = answers.compactMap(\.addressOfThisMachine)
        guard let address = addresses.first, addresses.allSatisfy({ $0 == address }) else {
            throw CommandError(
                .failure,
                "the machines see this one under different addresses: "
                    + addresses.joined(separator: ", ") + "; use host names of one network")
        }
        self.address = address
        let assigned: [RemoteHost]
        do {
            assigned = try HostsFile.assign(
                settings.workers, to: hosts, path: settings.hostsPath ?? "--hosts")
        } catch {
            throw CommandError(.usage, "\(error)")
        }
        programs = assigned.enumerated().map { index, host in
            let processors = answers.first { $0.host == host }?.processors
            let neighbours = assigned.filter { $0 == host }.count
            let threads =
                host.threads ?? settings.threads ?? max(1, (processors ?? 1) / neighbours)
            var flags = WorkerFlags(run: host.run ?? run)
            (flags.data, flags.threads) = (host.data, threads)
            return settings.shell.worker(
                index + 1, on: host,
                program: (host.programs ?? folder).appending("purkinje-worker"),
                arguments: flags.arguments)
        }
    }

    /// Puts a file into the run directory and a listener on a port, and asks who sees both.
    private static func preflight(
        _ hosts: [RemoteHost], _ settings: LaunchSettings, run: FilePath, data: FilePath?
    ) throws -> [Preflight.Answer] {
        try RunDirectory(path: run).create()
        let probe = ".preflight-\(UInt64.random(in: 0 ... .max))"
        try AtomicFile.write("", to: run.appending(FilePath(probe)))
        defer { try? run.appending(FilePath(probe)).remove() }
        let listener = try ProbeListener()
        let dataBytes = try data.map { try $0.status().byteCount }
        return try Preflight(
            shell: settings.shell, version: "purkinje-worker \(Software.version)",
            allowsMixedBuilds: settings.coordinator.allowsMixedBuilds, dataBytes: dataBytes,
            probe: probe, port: listener.port
        ).ask(hosts)
    }

    private static func table(_ answers: [Preflight.Answer]) -> String {
        let rows = answers.map { answer in
            [
                answer.host.destination, answer.version ?? "-",
                answer.processors.map { "\($0)" } ?? "-",
                answer.freeBytes.map { decimals(Double($0) / Double(1 << 30), 1) + " GiB" } ?? "-",
                answer.addressOfThisMachine ?? "-",
                answer.problems.isEmpty ? "fit" : "\(answer.problems.count) problems",
            ]
        }
        let head = ["host", "version", "processors", "free", "sees us as", "verdict"]
        return Output.table([head] + rows)
    }
}
