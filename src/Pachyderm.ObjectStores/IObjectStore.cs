namespace Pachyderm.ObjectStores;

/// <summary>
/// Bytes by key: a local directory, or a bucket of a cloud. Keys are relative paths of one or more segments joined by <c>/</c>;
/// <c>.</c>, <c>..</c>, empty segments and null characters are refused. Implementations are safe for concurrent use.
/// </summary>
public interface IObjectStore
{
    /// <summary>Where the store is, for messages.</summary>
    string Location { get; }

    /// <summary>
    /// Stores an object under a key, all of it or nothing, and returns when it is durable.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="content">The bytes, read to the end.</param>
    /// <param name="overwrite">Whether an object that exists is replaced; if not, it is kept and false is returned.</param>
    /// <param name="cancellationToken">Ends the writing; nothing is stored then.</param>
    /// <returns>Whether the object was written.</returns>
    Task<bool> PutAsync(string key, Stream content, bool overwrite, CancellationToken cancellationToken);

    /// <summary>Opens an object for reading; null if the key does not exist.</summary>
    /// <param name="key">The key.</param>
    /// <param name="offset">First byte to read.</param>
    /// <param name="length">Number of bytes to read, or null for all that follow.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    Task<Stream?> OpenReadAsync(string key, long offset, long? length, CancellationToken cancellationToken);

    /// <summary>Describes an object; null if the key does not exist.</summary>
    Task<ObjectProperties?> GetPropertiesAsync(string key, CancellationToken cancellationToken);

    /// <summary>Lists the objects whose key begins with <paramref name="prefix"/>, in byte order of their keys.</summary>
    IAsyncEnumerable<ObjectProperties> ListAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Deletes an object; deleting one that does not exist is no error.</summary>
    Task DeleteAsync(string key, CancellationToken cancellationToken);
}
