using Pachyderm.TestSupport;

namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>The genuine clusters below <c>test/Fixtures</c>.</summary>
public static class Sets
{
    public const string Small = "pachyderm-1.4.8-small";
    public const string Dirty = "pachyderm-1.4.8-dirty";
    public const string ObjectStore = "pachyderm-1.4.8-objstore";
    public const string Small15 = "pachyderm-1.5.3-small";

    /// <summary>The etcd snapshot of a set.</summary>
    public static string Snapshot(string set) => Path.Combine(RepositoryPaths.Fixture(set), "etcd.snap");

    /// <summary>Whether the long suites run, too.</summary>
    public static bool IsLong => Environment.GetEnvironmentVariable("PACHYDERM_LONG_TESTS") == "1";
}
