using Grpc.Core;
using Grpc.Net.Client.Configuration;

namespace Pachyderm.Client.Transport;

/// <summary>Which methods are called again when the server was not available: those that change nothing.</summary>
internal static class SafeMethods
{
    private const int MaxAttempts = 4;

    private static readonly (string Service, string[] Methods)[] Reads =
    [
        ("pfs.API", ["InspectRepo", "ListRepo", "InspectCommit", "ListCommit", "ListBranch", "GetFile", "InspectFile", "ListFile", "GlobFile", "DiffFile"]),
        ("pfs.ObjectAPI", ["GetObject", "GetObjects", "InspectObject", "CheckObject", "ListObjects", "GetTag", "InspectTag", "ListTags"]),
        ("pachyderm.native.v1.Files", ["GetFiles", "ListFiles", "GlobFiles", "DiffFiles", "ListCommits", "ListRepos"]),
        ("pps.API", ["InspectPipeline", "ListPipeline", "InspectJob", "ListJob", "InspectDatum", "ListDatum", "GetLogs"]),
        ("pachyderm.native.v1.Pipelines", ["ListJobs", "InspectJob", "ListDatums", "GetLogs", "ExplainJob", "WalkLineage"]),
        ("versionpb.API", ["GetVersion"]),
        ("health.Health", ["Health"]),
    ];

    /// <summary>The rule: up to three more attempts, as long as nothing of an answer has arrived.</summary>
    public static MethodConfig RetryConfig()
    {
        MethodConfig config = new()
        {
            RetryPolicy = new RetryPolicy
            {
                MaxAttempts = MaxAttempts,
                InitialBackoff = TimeSpan.FromMilliseconds(150),
                MaxBackoff = TimeSpan.FromSeconds(1),
                BackoffMultiplier = 2,
                RetryableStatusCodes = { StatusCode.Unavailable },
            },
        };
        foreach ((string service, string[] methods) in Reads)
        {
            foreach (string method in methods)
            {
                config.Names.Add(new MethodName { Service = service, Method = method });
            }
        }

        return config;
    }
}
