using Pachyderm.ObjectStores;

namespace Pachyderm.Scheduling;

/// <summary>Finds the target of an address.</summary>
internal static class EgressTargets
{
    /// <summary>The target of an address.</summary>
    /// <param name="address">The address as the pipeline gives it.</param>
    /// <param name="options">What is allowed here.</param>
    /// <exception cref="EgressException">Nothing can be sent there.</exception>
    public static IEgressTarget Of(string address, SchedulerOptions options)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri))
        {
            throw new EgressException($"egress to \"{address}\" is not possible: it is no address with a scheme");
        }
        if (uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            throw new EgressException(
                $"egress to {uri.Scheme}://{uri.Host} is not possible: the address must not have a user, a query or a fragment");
        }
        return uri.Scheme switch
        {
            "file" => DirectoryTarget(uri, options.EgressDirectories),
            "http" or "https" => new HttpTarget(options.Http, uri),
            _ when options.OpenEgressStore?.Invoke(uri) is { } store => new ObjectStoreTarget(store, ""),
            _ => throw new EgressException(
                $"egress to {address} is not possible: this server sends outputs to file, http and https addresses only"),
        };
    }

    // The store is the allowed directory, and what the address adds is part of the keys: so no link below it is followed.
    private static ObjectStoreTarget DirectoryTarget(Uri uri, IReadOnlyList<string> allowed)
    {
        if (uri.Host.Length > 0)
        {
            throw new EgressException($"egress to {uri} is not possible: a file address must not name a host; write three slashes");
        }
        string wanted = Path.TrimEndingDirectorySeparator(Path.GetFullPath(uri.LocalPath));
        foreach (string directory in allowed)
        {
            string root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
            string prefix = root.EndsWith('/') ? root : root + "/";
            if (wanted == root || wanted.StartsWith(prefix, StringComparison.Ordinal))
            {
                return new ObjectStoreTarget(new LocalObjectStore(root), wanted.Length > prefix.Length ? wanted[prefix.Length..] : "");
            }
        }
        throw new EgressException(
            $"egress to {uri} is not possible: it is not below a directory that the operator of this server allows for outputs");
    }
}
