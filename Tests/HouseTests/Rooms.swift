/// Which rooms a room imports: the arrows of docs/architecture.md, written a second time so that none comes or goes unseen.
///
/// A new room gets a line here, one in that page's table and one in Package.swift. What is missing in a line is missing on purpose: a method
/// (`Pretraining`) does not know that there is a network, a collective does not know what a gradient is, and nothing below
/// `purkinje-coordinator` leads to `LinearAlgebra` and so to OpenBLAS.
enum Rooms {
    static let mayImport: [String: Set<String>] = [
        "BuildStamp": [],
        "Runtime": ["CSystem", "CZlib", "COpenSSL"],
        "Kernels": [],
        "Tensors": ["Kernels"],
        "LinearAlgebra": ["COpenBLAS", "Kernels", "Tensors"],
        "Statistics": ["Kernels", "LinearAlgebra"],
        "NeuralNetworks": ["Kernels", "Tensors", "LinearAlgebra"],
        "Drawing": ["Runtime"],
        "Electrocardiography": ["Runtime", "Kernels", "Drawing"],
        "ClinicalParameters": ["Runtime", "Kernels", "Drawing", "Electrocardiography"],
        "Configurations": ["Runtime"],
        "Checkpoints": ["Runtime", "Tensors"],
        "Runs": ["Runtime", "Configurations", "Checkpoints"],
        "Pretraining": [
            "Runtime", "Kernels", "Tensors", "LinearAlgebra", "Statistics", "NeuralNetworks",
            "Drawing", "Electrocardiography", "ClinicalParameters", "Configurations",
        ],
        "Transport": ["CZlib", "Runtime"],
        "Collectives": ["CSystem", "Runtime", "Transport"],
        "Cluster": [
            "Runtime", "Tensors", "Configurations", "Checkpoints", "Runs", "Transport",
            "Collectives",
        ],
        "Training": [
            "CSystem", "Runtime", "Kernels", "Tensors", "LinearAlgebra", "NeuralNetworks",
            "Electrocardiography", "ClinicalParameters", "Configurations", "Checkpoints", "Runs",
            "Pretraining", "Collectives", "Cluster",
        ],
        "EvaluationSchema": ["Runtime"],
        "Evaluation": [
            "Runtime", "Kernels", "Tensors", "LinearAlgebra", "Statistics", "NeuralNetworks",
            "Electrocardiography", "ClinicalParameters", "Configurations", "Checkpoints", "Runs",
            "Pretraining", "EvaluationSchema",
        ],
        "CommandLineInterface": ["CSystem", "Runtime"],
        "Diagnosis": ["CSystem", "Runtime", "LinearAlgebra"],
        "Reporting": [
            "Runtime", "Drawing", "Configurations", "Checkpoints", "Runs", "EvaluationSchema",
        ],
        "Launching": ["CSystem", "Runtime", "CommandLineInterface"],
        "Workflows": [
            "Runtime", "Kernels", "Tensors", "LinearAlgebra", "Statistics", "NeuralNetworks",
            "Electrocardiography", "ClinicalParameters", "Configurations", "Checkpoints", "Runs",
            "Pretraining", "Transport", "Collectives", "Training", "EvaluationSchema", "Evaluation",
            "CommandLineInterface", "Diagnosis", "Reporting", "Launching",
        ],
        "purkinje": [
            "Runtime", "LinearAlgebra", "Electrocardiography", "Configurations", "Checkpoints",
            "Runs", "Pretraining", "Collectives", "Training", "Evaluation",
            "CommandLineInterface", "Launching", "Workflows",
        ],
        "purkinje-coordinator": [
            "Runtime", "Configurations", "Checkpoints", "Runs", "Transport", "Cluster",
            "CommandLineInterface", "Launching",
        ],
        "purkinje-worker": [
            "Runtime", "LinearAlgebra", "Electrocardiography", "Configurations", "Runs",
            "Transport", "Cluster", "Training", "CommandLineInterface", "Launching",
        ],
    ]

    /// All that a room leads to by its arrows.
    static func reachable(from room: String) -> Set<String> {
        var (found, open): (Set<String>, [String]) = ([], [room])
        while let next = open.popLast() {
            for other in mayImport[next] ?? [] where found.insert(other).inserted {
                open.append(other)
            }
        }
        return found
    }
}
