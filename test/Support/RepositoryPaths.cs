namespace Pachyderm.TestSupport;

/// <summary>Finds what tests read from the repository itself.</summary>
public static class RepositoryPaths
{
    /// <summary>The directory that holds <c>Pachyderm.slnx</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The directory of a set of test data, such as <c>pachyderm-1.4.8-small</c>.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such set.</exception>
    public static string Fixture(string set)
    {
        string path = Path.Combine(Root, "test", "Fixtures", set);
        return Directory.Exists(path) ? path : throw new DirectoryNotFoundException($"{path}: this set of test data is missing");
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Pachyderm.slnx")))
            {
                return directory.FullName;
            }
        }

        throw new DirectoryNotFoundException($"{AppContext.BaseDirectory}: no directory above holds Pachyderm.slnx");
    }
}
