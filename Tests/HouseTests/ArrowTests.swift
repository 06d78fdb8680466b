import Foundation
import Runtime
import TestSupport
import Testing

/// The arrows between the rooms.
@Suite struct ArrowTests {
    /// Rooms and programs by their folders; C's are described by module maps.
    private func rooms() throws -> Set<String> {
        let folders = try Tree.files().filter { $0.hasPrefix("Sources/") && $0.hasSuffix(".swift") }
        return Set(folders.map { String($0.split(separator: "/")[1]) })
    }

    @Test func everyRoomHasALine() throws {
        let rooms = try rooms()
        #expect(rooms.count > 20)
        #expect(rooms == Set(Rooms.mayImport.keys))
        let page = try Tree.text("docs/architecture.md")
        for room in rooms.sorted() {
            #expect(page.contains("`\(room)`"), "docs/architecture.md does not say what \(room) is")
        }
    }

    @Test func importsFollowTheArrows() throws {
        var count = 0
        let known = try rooms().union(["COpenBLAS", "CZlib", "CSystem", "COpenSSL"])
        for file in try Tree.files() where file.hasPrefix("Sources/") && file.hasSuffix(".swift") {
            let room = String(file.split(separator: "/")[1])
            for line in try Tree.lines(file) {
                let words = line.split(separator: " ")
                guard let place = words.firstIndex(of: "import"), words.count == place + 2,
                    words[..<place].allSatisfy({ $0.hasPrefix("@") || $0 == "public" })
                else { continue }
                let imported = String(words[place + 1])
                guard known.contains(imported) else { continue }
                count += 1
                #expect(
                    Rooms.mayImport[room]?.contains(imported) == true,
                    "\(file) imports \(imported): Tests/HouseTests/Rooms.swift has no such arrow")
            }
        }
        #expect(count > 500)
    }

    @Test func thePackageDeclaresNoOtherArrows() throws {
        // `room("Name", uses: a + ["B"])`, with lists that have a name of their own.
        let package = try Tree.text("Package.swift")
        let targets = PackageTargets(package)
        #expect(targets.dependencies.count > 20)
        for (room, dependencies) in targets.dependencies.sorted(by: { $0.key < $1.key }) {
            for dependency in dependencies.sorted() {
                #expect(
                    Rooms.mayImport[room]?.contains(dependency) == true,
                    "Package.swift: \(room) uses \(dependency)")
            }
        }
    }

    @Test func noArrowLeadsRound() {
        for room in Rooms.mayImport.keys.sorted() {
            #expect(!Rooms.reachable(from: room).contains(room), "\(room) leads to itself")
        }
    }

    @Test func theCoordinatorLinksNoMatrixLibrary() throws {
        #expect(!Rooms.reachable(from: "purkinje-coordinator").contains("COpenBLAS"))
        #expect(Rooms.reachable(from: "purkinje-worker").contains("COpenBLAS"))
        // The programs that were built with these tests name the libraries that they need.
        func needsOpenBLAS(_ program: String) throws -> Bool {
            let program = FilePath("\(buildFolder)/\(program)")
            return Data(try program.contents()).range(of: Data("libopenblas.so".utf8)) != nil
        }
        #expect(try needsOpenBLAS("purkinje-worker"))
        #expect(try !needsOpenBLAS("purkinje-coordinator"))
    }

    /// The folder of the test bundle, in which the programs are, too.
    private var buildFolder: String {
        let bundles = CommandLine.arguments.filter { $0.hasSuffix(".xctest") }
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folders = (bundles + [own ?? "", CommandLine.arguments[0]]).map {
            URL(fileURLWithPath: $0).deletingLastPathComponent().path
        }
        return folders.first { access("\($0)/purkinje-coordinator", X_OK) == 0 } ?? "."
    }
}

/// The targets of a Package.swift that is written in the way of this package's.
struct PackageTargets {
    private(set) var dependencies: [String: Set<String>] = [:]

    init(_ package: String) {
        var lists: [String: Set<String>] = [:]
        let definition = /let (\w+): \[Target\.Dependency\] = \[([^\]]*)\]/
        for match in package.matches(of: definition) {
            lists[String(match.1)] = Self.names(match.2)
        }
        for match in package.matches(of: /(?:room|program)\(\s*"([\w-]+)"([^)]*)\)/) {
            var uses = Self.names(match.2)
            for (name, members) in lists where match.2.contains(name) { uses.formUnion(members) }
            dependencies[String(match.1)] = uses
        }
    }

    private static func names(_ text: Substring) -> Set<String> {
        Set(text.matches(of: /"([\w-]+)"/).map { String($0.1) })
    }
}
