using Pachyderm.Errors;
using Pachyderm.ObjectStores;

namespace Pachyderm.Scheduling;

/// <summary>Writes files as objects of a store: of a directory, for one. Each appears whole.</summary>
/// <param name="store">The store.</param>
/// <param name="prefix">What the keys begin with, without a slash at the end; empty for nothing.</param>
internal sealed class ObjectStoreTarget(IObjectStore store, string prefix) : IEgressTarget
{
    /// <inheritdoc/>
    public async Task WriteAsync(string path, long size, Func<Stream> open, CancellationToken cancellationToken)
    {
        string key = prefix.Length == 0 ? path[1..] : prefix + path;
        try
        {
            await using Stream content = open();
            await store.PutAsync(key, content, overwrite: true, cancellationToken);
        }
        catch (OperatorException refusal) when (refusal.Id is "object-key-refused" or "object-key-conflict" or "object-path-link")
        {
            throw new EgressException($"{path} cannot be sent to {store.Location}: {refusal.Message}", refusal);
        }
    }
}
