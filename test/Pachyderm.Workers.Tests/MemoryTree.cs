using System.Text;

namespace Pachyderm.Workers.Tests;

/// <summary>An input from memory.</summary>
internal sealed class MemoryTree(string name, bool lazy = false) : IInputTree
{
    private readonly List<IInputFile> _files = [];
    private readonly List<string> _directories = [];

    public string Name { get; } = name;

    public bool Lazy { get; } = lazy;

    /// <summary>Paths of the files whose content was asked for.</summary>
    public List<string> Fetched { get; } = [];

    public MemoryTree With(string path, string content) => With(path, Encoding.UTF8.GetBytes(content));

    public MemoryTree With(string path, byte[] content) =>
        With(new GeneratedFile(path, content.Length, (stream, stop) => stream.WriteAsync(content, stop).AsTask()));

    public MemoryTree With(GeneratedFile file)
    {
        file.Asked = () =>
        {
            lock (Fetched)
            {
                Fetched.Add(file.Path);
            }
        };
        _files.Add(file);
        return this;
    }

    public MemoryTree WithEmptyDirectory(string path)
    {
        _directories.Add(path);
        return this;
    }

    public IAsyncEnumerable<IInputFile> FilesAsync(CancellationToken cancellationToken) => _files.ToAsyncEnumerable();

    public IAsyncEnumerable<string> EmptyDirectoriesAsync(CancellationToken cancellationToken) => _directories.ToAsyncEnumerable();
}

/// <summary>A file whose content is made when it is asked for.</summary>
internal sealed class GeneratedFile(string path, long size, Func<Stream, CancellationToken, Task> write) : IInputFile
{
    public Action Asked { get; set; } = () => { };

    public string Path { get; } = path;

    public long Size { get; } = size;

    public string? LocalPath { get; init; }

    public async Task CopyToAsync(Stream destination, CancellationToken cancellationToken)
    {
        Asked();
        await write(destination, cancellationToken);
    }
}
