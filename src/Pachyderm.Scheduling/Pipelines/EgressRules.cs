using Pachyderm.Pps;

namespace Pachyderm.Scheduling;

/// <summary>Which addresses an output may be sent to.</summary>
internal static class EgressRules
{
    /// <summary>Refuses an address that cannot work here.</summary>
    /// <param name="url">The address.</param>
    /// <param name="directories">The directories that <c>file:</c> addresses may be in.</param>
    /// <exception cref="PpsException">It cannot work.</exception>
    public static void Check(string url, IReadOnlyList<string> directories)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address))
        {
            throw Refusal(url, "it is no absolute URL");
        }
        switch (address.Scheme)
        {
            case "http" or "https" when address.Host.Length == 0:
                throw Refusal(url, "it names no host");
            case "http" or "https":
                break;
            case "file" when !address.IsFile || address.Host.Length > 0:
                throw Refusal(url, "a file: address names no host");
            case "file":
                if (!directories.Any(directory => IsWithin(address.LocalPath, directory)))
                {
                    throw Refusal(url, "it is not below a directory that this server may send outputs to");
                }
                break;
            default:
                throw Refusal(url, $"outputs can be sent to file:, http: and https: addresses, not to {address.Scheme}:");
        }
    }

    private static bool IsWithin(string path, string directory)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string above = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        return full == above || full.StartsWith(above == "/" ? above : above + "/", StringComparison.Ordinal);
    }

    private static PpsException Refusal(string url, string problem)
    {
        const int Longest = 200;
        string line = url.ReplaceLineEndings(" ");
        return new PpsException(
            PpsErrorKind.InvalidArgument, $"invalid egress URL \"{(line.Length <= Longest ? line : line[..Longest] + "...")}\": {problem}");
    }
}
