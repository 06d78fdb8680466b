import CommandLineInterface
import LinearAlgebra

MatrixProduct.restartWithFittingKernel()
Program(
    name: "purkinje",
    summary:
        "distributed self-supervised pretraining for 12-lead ECGs, to the same bits every time",
    commands: commands,
    hints: hints,
    exitCode: exitCode(for:)
).main()
