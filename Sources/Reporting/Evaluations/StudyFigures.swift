/// The figures of the study that this project implements, on PTB-XL, to set comparisons beside.
enum StudyFigures {
    /// Method, AUROC and F1 as they are called there.
    static let classification = [
        ["ECG-JEPA, linear", "0.679", "0.234 (macro, at 0.5)"],
        ["hybrid of ECG-JEPA and clinical parameters, linear", "0.784", "0.462 (macro, at 0.5)"],
        ["ST-MEM, linear, 5-class cross entropy", "0.695", "0.138 (probably macro)"],
        ["ST-MEM with triplet loss, linear", "0.686", "0.135 (probably macro)"],
        ["ST-MEM, k-NN, k 20", "0.708 (weighted)", "0.449 (weighted)"],
        ["ST-MEM with triplet loss, k-NN, k 20", "0.712 (weighted)", "0.451 (weighted)"],
    ]

    /// Method, dimension, Davies-Bouldin, Silhouette and Calinski-Harabasz.
    static let clusters = [
        ["ST-MEM, three crops side by side", "2304", "9.690", "-0.004", "134.5"],
        ["ST-MEM with triplet loss", "9", "6.755", "-0.054", "73.6"],
    ]

    /// What in the first table may be compared to what.
    static let classificationNotes = """
        The study's figures are of PTB-XL too, but of other and probably many more records. Its rows use different labels \
        and different F1 from row to row, so an F1 compares only where its kind is the same. Of the table above, “linear \
        AUROC” and “F1 at 0.5” belong beside its ECG-JEPA and hybrid rows, “one label: macro F1” beside its ST-MEM probe, \
        and the k-NN columns called weighted beside its k-NN rows. A higher number on these records is no proof of a better \
        method: the records differ.
        """

    /// What in the second table may be compared to what.
    static let clusterNotes = """
        Davies-Bouldin (lower is better) and Silhouette (from -1 to 1, above 0 where records lie nearer to their own class) \
        do not grow with the number of records, but depend on the dimension: compare rows of the same dimension. \
        Calinski-Harabasz grows with the number of records n: of two sets compare CHI/(n−k) alone, k being the number of \
        classes.
        """

    /// What of the study's clusters compares to nothing here.
    static let ownClusterNotes = """
        The study's Calinski-Harabasz figures are of another number of records, so they compare with none here; its \
        Davies-Bouldin and Silhouette belong beside rows of as many numbers.
        """
}
