/// Which rooms a room may import: the arrows of docs/architecture.md, and the only place where they are written for a test.
///
/// A new room gets a line here, one in that page's table and one in Package.swift. What is missing in a line is missing on purpose: a method
/// (`Pretraining`) does not know that there is a network, a collective does not know what a gradient is, and nothing below
/// `purkinje-coordinator` leads to `LinearAlgebra` and so to OpenBLAS.
enum Rooms {
    static let mayImport: [String: Set<String>] = [
        "BuildStamp": [],
        "Runtime": ["CSystem", "CZlib", "COpenSSL"],
        "Kernels": ["CSystem"],
        "Tensors": ["Kernels"],
        "LinearAlgebra": ["Kernels", "Tensors", "COpenBLAS"],
        "Statistics": ["Kernels", "LinearAlgebra"],
        "NeuralNetworks": ["Kernels", "Tensors", "LinearAlgebra"],
        "Drawing": ["Runtime"],
        "Electrocardiography": ["Runtime", "Kernels", "Drawing"],
        "ClinicalParameters": ["Runtime", "Kernels", "Drawing", "Electrocardiography"],
        "Configurations": ["Runtime"],
        "Runs": ["Runtime", "Configurations", "Checkpoints"],
        "Pretraining": networks.union([
            "ClinicalParameters", "Configurations", "Statistics", "Drawing",
        ]),
        "Transport": ["Runtime", "CZlib"],
        "Collectives": ["CSystem", "Runtime", "Kernels", "Tensors", "Transport"],
        "Checkpoints": ["Runtime", "Tensors"],
        "Cluster": cluster,
        "Training": networks.union(cluster).union([
            "ClinicalParameters", "Pretraining", "Cluster", "CSystem",
        ]),
        "EvaluationSchema": ["Runtime"],
        "Evaluation": evaluation,
        "CommandLineInterface": ["Runtime", "CSystem"],
        "Diagnosis": ["Runtime", "Configurations", "LinearAlgebra", "CSystem"],
        "Reporting": [
            "Runtime", "Drawing", "Configurations", "Runs", "Checkpoints", "EvaluationSchema",
        ],
        "Workflows": evaluation.union([
            "Training", "Evaluation", "Reporting", "Transport", "Collectives",
            "CommandLineInterface",
            "Diagnosis", "Launching",
        ]),
        "Launching": ["Runtime", "CSystem", "CommandLineInterface"],
        "purkinje-coordinator": cluster.union(["Cluster", "CommandLineInterface", "Launching"]),
        "purkinje-worker": everything,
        "purkinje": everything,
    ]

    private static let networks: Set = [
        "Runtime", "Kernels", "Tensors", "LinearAlgebra", "NeuralNetworks", "Electrocardiography",
    ]
    private static let cluster: Set = [
        "Runtime", "Kernels", "Tensors", "Configurations", "Runs", "Transport", "Collectives",
        "Checkpoints",
    ]
    private static let evaluation: Set = networks.union([
        "ClinicalParameters", "Configurations", "Runs", "Pretraining", "Checkpoints",
        "EvaluationSchema", "Statistics",
    ])
    /// A program that trains may use every room, but goes to C through them.
    private static let everything: Set = networks.union(cluster).union([
        "ClinicalParameters", "Pretraining", "Cluster", "Training", "Evaluation",
        "CommandLineInterface", "Diagnosis", "Reporting", "Launching", "EvaluationSchema",
        "Workflows", "Statistics", "Drawing",
    ])

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
