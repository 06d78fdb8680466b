import Testing

/// Methods see rows and columns, not addresses.
///
/// Pointers belong to the rooms of numbers (`Kernels`, `Tensors`, `LinearAlgebra`, `NeuralNetworks` with the operations
/// of the tape) and to the edge of C. The rooms above have few files that still take addresses: the list may shrink, not grow.
@Suite struct AddressTests {
    private static let rooms = ["Diagnosis", "Evaluation", "Pretraining", "Training"]

    /// Paths below `Sources`, without the ending, of files that still take addresses.
    private static let stillAllowed: Set = [
        // The bytes that the network takes and puts.
        "Training/TrainingReplica+Sums"
    ]

    /// Whether a line of code speaks of addresses.
    private static func takesAddress(_ line: Substring) -> Bool {
        let words = Tree.words([line])
        return words.contains {
            ($0.hasPrefix("Unsafe") && $0.hasSuffix("Pointer"))
                || ["baseAddress", "startAddress", "Floats", "MutableFloats"].contains($0)
        } || Tree.code(line).contains(/\.(floats|integers)\b/)
    }

    @Test func noFurtherFileTakesAddresses() throws {
        let files = try Tree.files().filter { file in
            file.hasSuffix(".swift") && Self.rooms.contains { file.hasPrefix("Sources/\($0)/") }
        }
        #expect(files.count > 100)
        var found: Set<String> = []
        for file in files {
            let lines = try Tree.lines(file)
            guard let number = lines.firstIndex(where: Self.takesAddress) else { continue }
            let name = String(file.dropFirst("Sources/".count).dropLast(".swift".count))
            found.insert(name)
            #expect(
                Self.stillAllowed.contains(name),
                "\(file), line \(number + 1), takes an address: use rows, or put an operation into NeuralNetworks"
            )
        }
        let gone = Self.stillAllowed.subtracting(found).sorted()
        #expect(gone.isEmpty, "\(gone) take no address any more: shorten the list")
    }

    @Test(arguments: [
        ("let x: UnsafeMutablePointer<Float>", true), ("f(_ x: Floats)", true),
        ("parameters.tensor(0).floats", true), ("arena.integers(3)", true),
        ("x.baseAddress", true), ("x.startAddress", true),
        ("let floats = tensor.floatArray", false),
        ("let x = 1  // Floats", false),
        ("import Foundation", false), ("row.dataset", false), ("let x: Span<Float>", false),
    ])
    func knowsAnAddress(line: String, expected: Bool) {
        #expect(Self.takesAddress(Substring(line)) == expected)
    }
}
