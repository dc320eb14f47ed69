using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using Pachyderm.Wire.Native;
using Pachyderm.Wire.Pfs;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;

namespace Pachyderm.Client.Tests;

/// <summary>Content that tests send and receive.</summary>
internal static class Content
{
    public static readonly CommitRef Commit = new("repo", "master");

    /// <summary>Bytes that differ from place to place.</summary>
    public static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static FileInfo File(string path, long size) =>
        new() { File = new Wire.Pfs.File { Commit = Commit.ToWire(), Path = path }, FileType = FileType.File, SizeBytes = (ulong)size };

    public static FileInfo Directory(string path) => new() { File = new Wire.Pfs.File { Commit = Commit.ToWire(), Path = path }, FileType = FileType.Dir };

    /// <summary>Puts the parts of a bulk upload together, as pachd does: a file counts when its last part is there.</summary>
    public static async Task<PutFilesResponse> CollectAsync(
        IAsyncStreamReader<PutFilesRequest> messages, ConcurrentDictionary<string, byte[]> files, ConcurrentQueue<int>? sizes = null)
    {
        PutFilesResponse response = new();
        MemoryStream? content = null;
        string path = "";
        bool first = true;
        await foreach (PutFilesRequest message in messages.ReadAllAsync())
        {
            Assert.Equal(first, message.Commit is not null);
            first = false;
            sizes?.Enqueue(message.CalculateSize());
            foreach (FilePart part in message.Parts)
            {
                if (part.Path.Length > 0)
                {
                    Assert.Null(content);
                    (path, content) = (part.Path, new MemoryStream());
                }

                content!.Write(part.Value.Span);
                if (part.Last)
                {
                    Assert.True(files.TryAdd(path, content.ToArray()));
                    response.Files++;
                    response.Bytes += (ulong)content.Length;
                    content = null;
                }
            }
        }

        return response;
    }

    public static GetFilePart Part(string path, byte[] content, bool last = true, int? size = null) =>
        new() { Info = File(path, size ?? content.Length), Value = ByteString.CopyFrom(content), Last = last };

    public static GetFilePart More(byte[] content, bool last) => new() { Value = ByteString.CopyFrom(content), Last = last };
}

/// <summary>A directory that is gone after the test.</summary>
internal sealed class Scratch : IDisposable
{
    public string Path { get; } = System.IO.Directory.CreateTempSubdirectory("pachyderm-client-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    // The runtime cannot delete files whose name is not UTF-8.
    public void Dispose()
    {
        using var remove = System.Diagnostics.Process.Start("rm", ["-rf", "--", Path]);
        remove.WaitForExit();
    }
}
