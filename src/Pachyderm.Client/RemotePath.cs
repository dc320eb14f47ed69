using Pachyderm.Errors;

namespace Pachyderm.Client;

/// <summary>What a <c>pfs://</c> address names.</summary>
/// <param name="Server">The cluster.</param>
/// <param name="Repo">The repo.</param>
/// <param name="Path"><c>COMMIT[/PATH]</c>, as for <see cref="RemoteCommit.OpenAsync"/>.</param>
public sealed record RemotePath(PachAddress Server, string Repo, string Path)
{
    private const string Scheme = "pfs://";

    /// <summary>Whether a text begins as such an address does.</summary>
    public static bool IsRemote(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Reads <c>pfs://HOST[:PORT]/REPO/COMMIT[/PATH]</c>; what is no part of a name in an address is escaped with %.</summary>
    /// <exception cref="OperatorException"><c>address-malformed</c>.</exception>
    public static RemotePath Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = IsRemote(text) ? text[Scheme.Length..].TrimEnd('/').Split('/', 3) : [];
        if (parts.Length < 3 || parts[1].Length == 0 || parts[2].Length == 0 || !PachAddress.TryParse(parts[0], out PachAddress? server))
        {
            throw new OperatorException(
                "address-malformed",
                $"'{text}'",
                "it is not of the form pfs://HOST:PORT/REPO/BRANCH",
                "name a branch of another cluster, such as pfs://old-cluster:30650/images/master");
        }

        return new RemotePath(server, Uri.UnescapeDataString(parts[1]), Uri.UnescapeDataString(parts[2]));
    }
}
