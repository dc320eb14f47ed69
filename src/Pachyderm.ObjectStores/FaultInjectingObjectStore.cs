using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Pachyderm.ObjectStores;

/// <summary>A store that fails where a plan says so, for tests of everything that stands on object stores.</summary>
/// <param name="inner">The store that does the work.</param>
/// <param name="plan">Decides on each call; null lets it pass. Called from several threads at once.</param>
public sealed class FaultInjectingObjectStore(IObjectStore inner, Func<ObjectStoreCall, ObjectStoreFault?> plan) : IObjectStore
{
    private readonly ConcurrentQueue<ObjectStoreCall> _calls = new();
    private int _number;

    /// <summary>The calls so far.</summary>
    public IReadOnlyCollection<ObjectStoreCall> Calls => _calls;

    /// <inheritdoc/>
    public string Location => inner.Location;

    /// <inheritdoc/>
    public async Task<bool> PutAsync(string key, Stream content, bool overwrite, CancellationToken cancellationToken)
    {
        ObjectStoreFault? fault = Begin(ObjectStoreOperation.Put, key);
        if (fault is { Moment: FaultMoment.During })
        {
            await using FailingStream failing = new(content, fault.Exception, ownsInner: false);
            return await inner.PutAsync(key, failing, overwrite, cancellationToken);
        }

        bool written = await inner.PutAsync(key, content, overwrite, cancellationToken);
        End(fault);
        return written;
    }

    /// <inheritdoc/>
    public async Task<Stream?> OpenReadAsync(string key, long offset, long? length, CancellationToken cancellationToken)
    {
        ObjectStoreFault? fault = Begin(ObjectStoreOperation.OpenRead, key);
        Stream? stream = await inner.OpenReadAsync(key, offset, length, cancellationToken);
        if (stream is not null && fault is not null)
        {
            return new FailingStream(stream, fault.Exception, ownsInner: true);
        }

        End(fault);
        return stream;
    }

    /// <inheritdoc/>
    public async Task<ObjectProperties?> GetPropertiesAsync(string key, CancellationToken cancellationToken)
    {
        ObjectStoreFault? fault = Begin(ObjectStoreOperation.GetProperties, key);
        ObjectProperties? properties = await inner.GetPropertiesAsync(key, cancellationToken);
        End(fault);
        return properties;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectProperties> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ObjectStoreFault? fault = Begin(ObjectStoreOperation.List, prefix);
        await foreach (ObjectProperties properties in inner.ListAsync(prefix, cancellationToken))
        {
            yield return properties;
        }

        End(fault);
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        ObjectStoreFault? fault = Begin(ObjectStoreOperation.Delete, key);
        await inner.DeleteAsync(key, cancellationToken);
        End(fault);
    }

    private ObjectStoreFault? Begin(ObjectStoreOperation operation, string key)
    {
        ObjectStoreCall call = new(Interlocked.Increment(ref _number), operation, key);
        _calls.Enqueue(call);
        ObjectStoreFault? fault = plan(call);
        bool streams = operation is ObjectStoreOperation.Put or ObjectStoreOperation.OpenRead;
        if (fault is not null && (fault.Moment == FaultMoment.Before || (fault.Moment == FaultMoment.During && !streams)))
        {
            throw fault.Exception;
        }

        return fault;
    }

    private static void End(ObjectStoreFault? fault)
    {
        if (fault is not null)
        {
            throw fault.Exception;
        }
    }

    // Delivers half of the first read, then fails.
    private sealed class FailingStream(Stream inner, Exception exception, bool ownsInner) : Stream
    {
        private bool _delivered;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            if (_delivered)
            {
                throw exception;
            }

            int read = inner.Read(buffer);
            _delivered = true;
            return read > 1 ? read / 2 : throw exception;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_delivered)
            {
                throw exception;
            }

            int read = await inner.ReadAsync(buffer, cancellationToken);
            _delivered = true;
            return read > 1 ? read / 2 : throw exception;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing && ownsInner)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}

/// <summary>The calls of an object store.</summary>
public enum ObjectStoreOperation
{
    /// <summary><see cref="IObjectStore.PutAsync"/>.</summary>
    Put,

    /// <summary><see cref="IObjectStore.OpenReadAsync"/>.</summary>
    OpenRead,

    /// <summary><see cref="IObjectStore.GetPropertiesAsync"/>.</summary>
    GetProperties,

    /// <summary><see cref="IObjectStore.ListAsync"/>.</summary>
    List,

    /// <summary><see cref="IObjectStore.DeleteAsync"/>.</summary>
    Delete,
}

/// <summary>When a fault strikes.</summary>
public enum FaultMoment
{
    /// <summary>Nothing happened.</summary>
    Before,

    /// <summary>
    /// After some bytes went over: the first half of what a put reads, or of what a read delivers. For other calls as <see cref="Before"/>.
    /// </summary>
    During,

    /// <summary>The call took effect, and its answer was lost.</summary>
    After,
}

/// <summary>One call, in the order of its beginning.</summary>
/// <param name="Number">1 for the first call.</param>
/// <param name="Operation">What was called.</param>
/// <param name="Key">The key, or the prefix of a listing.</param>
public readonly record struct ObjectStoreCall(int Number, ObjectStoreOperation Operation, string Key);

/// <summary>What happens to a call.</summary>
/// <param name="Moment">When it fails.</param>
/// <param name="Exception">What is thrown.</param>
public sealed record ObjectStoreFault(FaultMoment Moment, Exception Exception);
