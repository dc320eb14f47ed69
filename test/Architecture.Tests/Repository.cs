namespace Architecture.Tests;

/// <summary>Where the sources are.</summary>
internal static class Repository
{
    /// <summary>The directory that holds <c>Pachyderm.slnx</c>.</summary>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Pachyderm.slnx")))
        {
            directory = directory.Parent;
        }
        return directory!.FullName;
    }
}
