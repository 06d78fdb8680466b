print("purkinje")
