import TestSupport
import Testing

/// Methods see rows and columns, not addresses.
///
/// Pointers belong to the rooms of numbers (`Kernels`, `Tensors`, `LinearAlgebra`,
/// `NeuralNetworks`), to files of operations of the tape and to the edge of C. The rooms above
/// have files that still take addresses: the list may shrink, not grow.
@Suite struct AddressTests {
    private static let rooms = ["Diagnosis", "Evaluation", "Pretraining", "Training"]

    /// Paths below `Sources`, without the ending, of files that still take addresses.
    private static let stillAllowed: Set = [
        "Diagnosis/ProductSpeed",
        "Evaluation/Embeddings/Matrix+Tensor",
        "Evaluation/Embeddings/TrainedEncoder",
        "Evaluation/Explanations/OcclusionMap",
        "Evaluation/Maps/StochasticNeighbourEmbedding",
        "Pretraining/CMSC/CMSC",
        "Pretraining/CMSC/CMSCLoss",
        "Pretraining/CPC/CPC",
        "Pretraining/CPC/InfoNCELoss",
        "Pretraining/Contrast/ConvolutionalEncoder",
        "Pretraining/Contrast/EmbeddingBatch",
        "Pretraining/Contrast/WholeBatch",
        "Pretraining/ECGJEPA/ColumnMask",
        "Pretraining/ECGJEPA/DropPath",
        "Pretraining/ECGJEPA/ECGJEPA",
        "Pretraining/ECGJEPA/FeatureSpread",
        "Pretraining/ECGJEPA/GridEncoder",
        "Pretraining/ECGJEPA/IndependentLeads",
        "Pretraining/Finetune/Finetune",
        "Pretraining/Finetune/FinetuneEmbedding",
        "Pretraining/Finetune/RandomAugmentation",
        "Pretraining/Hybrid/ClinicalEncoder",
        "Pretraining/Hybrid/ClinicalTokens",
        "Pretraining/Hybrid/Hybrid",
        "Pretraining/Hybrid/HybridChannelsPretraining",
        "Pretraining/MethodCapabilities",
        "Pretraining/PretrainingMethod",
        "Pretraining/STMEM/PatchChoice",
        "Pretraining/STMEM/PatchLoss",
        "Pretraining/STMEM/SignalReconstruction",
        "Pretraining/STMEM/TokenAssembly",
        "Pretraining/SimCLR/Augmentation",
        "Pretraining/SimCLR/SimCLR",
        "Pretraining/Triplet/TripletLoss",
        "Pretraining/Triplet/TripletRefinement",
        "Pretraining/VQVAE/AssignmentEntropy",
        "Pretraining/VQVAE/CodeLookup",
        "Pretraining/VQVAE/CodebookClustering",
        "Pretraining/VQVAE/CodebookState",
        "Pretraining/VQVAE/EMACodebook",
        "Pretraining/VQVAE/FiniteScalarQuantisation",
        "Pretraining/VQVAE/HeadOperations",
        "Pretraining/VQVAE/Quantisation",
        "Pretraining/VQVAE/RunningStandardisation",
        "Pretraining/VQVAE/VQFinetune",
        "Pretraining/VQVAE/VQFull",
        "Pretraining/VQVAE/VectorQuantiser",
        "Pretraining/WindowReader",
        "Pretraining/WindowSource",
        "Training/ComputeThread",
        "Training/GradientSums",
        "Training/Optimiser",
        "Training/ProgressState",
        "Training/StepBenchmark",
        "Training/SyntheticWindows",
        "Training/TrainingReplica+Dataset",
        "Training/TrainingReplica+SingleProcess",
        "Training/TrainingReplica",
    ]

    /// Whether a line of code speaks of addresses.
    private static func takesAddress(_ line: Substring) -> Bool {
        let words = Tree.words([line])
        return words.contains {
            ($0.hasPrefix("Unsafe") && $0.hasSuffix("Pointer"))
                || ["baseAddress", "Floats", "MutableFloats"].contains($0)
        } || Tree.code(line).contains(/\.data\b/)
    }

    private static func isOperation(_ file: String) -> Bool {
        file.hasSuffix("Operation.swift") || file.contains("/Operations/")
    }

    @Test func noFurtherFileTakesAddresses() throws {
        let files = try Tree.files().filter { file in
            file.hasSuffix(".swift") && Self.rooms.contains { file.hasPrefix("Sources/\($0)/") }
        }
        #expect(files.count > 100)
        var found: Set<String> = []
        for file in files where !Self.isOperation(file) {
            let lines = try Tree.lines(file)
            guard let number = lines.firstIndex(where: Self.takesAddress) else { continue }
            let name = String(file.dropFirst("Sources/".count).dropLast(".swift".count))
            found.insert(name)
            #expect(
                Self.stillAllowed.contains(name),
                "\(file), line \(number + 1), takes an address: use rows, or an operation")
        }
        let gone = Self.stillAllowed.subtracting(found).sorted()
        #expect(gone.isEmpty, "\(gone) take no address any more: shorten the list")
    }

    @Test(arguments: [
        ("let x: UnsafeMutablePointer<Float>", true), ("f(_ x: Floats)", true),
        ("rows.data + width", true), ("x.baseAddress", true), ("let x = 1  // Floats", false),
        ("import Foundation", false), ("row.dataset", false), ("let x: Span<Float>", false),
    ])
    func knowsAnAddress(line: String, expected: Bool) {
        #expect(Self.takesAddress(Substring(line)) == expected)
    }
}
