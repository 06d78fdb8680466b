import CommandLineInterface
import Foundation
import Launching
import Runtime

/// The processes of a launch, each with all that it is told.
struct LaunchPlan {
    /// What the coordinator is told, and how workers here are watched.
    var coordinator: CoordinatorFlags
    /// The folder of the programs.
    let programs: FilePath
    /// The prepared data set; `nil` for the one that the run directory names.
    let data: FilePath?

    /// - Parameters:
    ///   - settings: How many processes, and where.
    ///   - data: The prepared data set.
    ///   - programs: The folder of the programs.
    init(_ settings: LaunchSettings, data: FilePath?, programs: FilePath) {
        (self.data, self.programs) = (data, programs)
        coordinator = settings.coordinator
        coordinator.data = data
        coordinator.hidesProgress = true
        // Frozen processes of this machine are seen here; those of other machines by the coordinator alone.
        coordinator.child = ChildFlags(
            followsInput: true,
            signsOfLife: max(coordinator.failureTimeout / 8, .milliseconds(1)))
    }

    /// The coordinator, before all workers.
    var coordinatorProgram: Launch.Program {
        Launch.Program(
            .coordinator, executable: programs.appending("purkinje-coordinator"),
            arguments: coordinator.arguments, followsInput: true, showsLife: true)
    }

    /// All workers on this machine.
    func workersHere(threads: Int) -> [Launch.Program] {
        var flags = WorkerFlags(run: coordinator.run)
        (flags.data, flags.threads, flags.child) = (data, threads, coordinator.child)
        return (1...coordinator.workers).map { number in
            Launch.Program(
                .worker(number), executable: programs.appending("purkinje-worker"),
                arguments: flags.arguments, followsInput: true, showsLife: true)
        }
    }

    /// Lets workers of other machines in.
    mutating func listen(as address: String) {
        coordinator.bind = "0.0.0.0"
        coordinator.advertise = address
        coordinator.isInsecure = true
    }

    /// The folder in which this program and its sisters are.
    static func programFolder() throws -> FilePath {
        let folder = try FilePath("/proc/self/exe").linkTarget().parent
        for program in ["purkinje-coordinator", "purkinje-worker"].map({ folder.appending($0) }) {
            guard program.permits(X_OK) else {
                throw CommandError(
                    .failure,
                    "\(program) is not there; build all products, and keep them together")
            }
        }
        return folder
    }
}
