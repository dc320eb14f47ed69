using System.Diagnostics;
using System.Globalization;
using System.IO.Hashing;
using Pachyderm.Client;

namespace Pachyderm.Bench.Pfs;

/// <summary>What memory the real pachd takes for one very large file, and for one directory of very many entries.</summary>
internal static class MemoryBench
{
    private const string Repo = "memory";

    /// <summary>Measures and prints a Markdown table; the server is started anew for each row.</summary>
    /// <param name="checkout">Whose pachd is measured.</param>
    /// <param name="work">Directory for the files meanwhile; takes the size of the file.</param>
    /// <param name="fileBytes">Size of the file.</param>
    /// <param name="entries">Number of entries of the directory.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async Task RunAsync(string checkout, string work, long fileBytes, int entries, CancellationToken cancellationToken)
    {
        await using PachdProcess pachd = await PachdProcess.StartAsync(checkout, work, cancellationToken);
        CommitRef large = new(Repo, "large");
        CommitRef many = new(Repo, "many");
        Console.WriteLine("| what | seconds | rate | peak memory of pachd |");
        Console.WriteLine("|---|---:|---:|---:|");
        string size = string.Create(CultureInfo.InvariantCulture, $"{fileBytes / 1e9:0.#} GB");
        double mebibytes = fileBytes / (double)(1 << 20);
        ulong put = 0;
        await MeasureAsync($"put a file of {size}", mebibytes, "MiB", async client =>
        {
            await client.Repos.CreateAsync(Repo, cancellationToken: cancellationToken);
            CommitRef commit = await client.Commits.StartAsync(Repo, large.Id, cancellationToken: cancellationToken);
            await using GeneratedStream content = new(fileBytes);
            await client.Files.PutAsync(commit, "/large", content, cancellationToken: cancellationToken);
            await client.Commits.FinishAsync(commit, cancellationToken);
            put = content.Hash;
        });
        await MeasureAsync($"get a file of {size}", mebibytes, "MiB", async client =>
        {
            await using HashingStream target = new();
            await client.Files.GetAsync(large, "/large", target, cancellationToken: cancellationToken);
            if (target.Hash != put)
            {
                throw new InvalidOperationException("Other bytes came back than were put");
            }
        });
        await MeasureAsync($"put {entries:N0} files into one directory", entries, "files", async client =>
        {
            CommitRef commit = await client.Commits.StartAsync(Repo, many.Id, cancellationToken: cancellationToken);
            await client.Files.PutManyAsync(
                commit,
                Enumerable.Range(0, entries).Select(file => new LocalFile(
                    string.Create(CultureInfo.InvariantCulture, $"/many/file-{file:D7}"),
                    _ => ValueTask.FromResult<Stream>(new MemoryStream(BitConverter.GetBytes(file))))).ToAsyncEnumerable(),
                cancellationToken: cancellationToken);
            await client.Commits.FinishAsync(commit, cancellationToken);
        });
        await MeasureAsync($"list {entries:N0} entries", entries, "entries", async client =>
        {
            int listed = await client.Files.ListAsync(many, "/many", cancellationToken: cancellationToken).CountAsync(cancellationToken);
            if (listed != entries)
            {
                throw new InvalidOperationException($"{listed} entries were listed");
            }
        });

        async Task MeasureAsync(string what, double amount, string unit, Func<PachClient, Task> action)
        {
            await pachd.RestartAsync(cancellationToken);
            await using PachClient client = new(new PachClientOptions { Address = PachAddress.Parse(PachdProcess.Address) });
            long started = Stopwatch.GetTimestamp();
            await action(client);
            double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"| {what} | {seconds:0.0} | {amount / seconds:N0} {unit}/s | {pachd.PeakBytes >> 20} MiB |"));
        }
    }

    /// <summary>Bytes that do not compress, which nobody has to store.</summary>
    private sealed class GeneratedStream(long length) : Stream
    {
        private readonly Random _random = new(1);
        private readonly XxHash3 _hash = new();
        private long _left = length;

        public ulong Hash => _hash.GetCurrentHashAsUInt64();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            Span<byte> filled = buffer[..(int)Math.Min(buffer.Length, _left)];
            _random.NextBytes(filled);
            _hash.Append(filled);
            _left -= filled.Length;
            return filled.Length;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(Read(buffer.Span));

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    private sealed class HashingStream : Stream
    {
        private readonly XxHash3 _hash = new();

        public ulong Hash => _hash.GetCurrentHashAsUInt64();

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int count) => _hash.Append(buffer.AsSpan(offset, count));

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _hash.Append(buffer.Span);
            return ValueTask.CompletedTask;
        }

        public override void Flush()
        {
            // Nothing is held back.
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
