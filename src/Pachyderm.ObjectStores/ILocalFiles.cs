namespace Pachyderm.ObjectStores;

/// <summary>What an object store can do in addition when its objects are files of this machine.</summary>
public interface ILocalFiles
{
    /// <summary>
    /// Makes a finished file an object without copying it, and returns when the new name is durable. The caller has flushed the file.
    /// An object under that key is replaced.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="path">The file; gone afterwards.</param>
    /// <returns>False if the file lies on another file system; nothing has changed then.</returns>
    bool TryAdopt(string key, string path);

    /// <summary>The file of an object, whether it exists or not.</summary>
    string GetPath(string key);
}
