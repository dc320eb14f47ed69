using System.Collections.Concurrent;

namespace Pachyderm.Metadata;

/// <summary>A store that fails where a plan says so, for tests of everything that stands on metadata.</summary>
/// <param name="inner">The store that does the work. It is closed with this one.</param>
/// <param name="plan">Decides on each call; null lets it pass. Called from several threads at once.</param>
public sealed class FaultInjectingMetadataStore(IMetadataStore inner, Func<MetadataCall, MetadataFault?> plan) : IMetadataStore
{
    private readonly ConcurrentQueue<MetadataCall> _calls = new();
    private readonly int[] _numbers = new int[3];

    /// <summary>The calls so far.</summary>
    public IReadOnlyCollection<MetadataCall> Calls => _calls;

    /// <inheritdoc/>
    public int Format => inner.Format;

    /// <inheritdoc/>
    public async Task<T> ReadAsync<T>(Func<IMetadataReader, T> query, CancellationToken cancellationToken)
    {
        MetadataFault? fault = Begin(MetadataOperation.Read);
        T answer = await inner.ReadAsync(reader => During(fault, query(reader)), cancellationToken);
        return After(fault, answer);
    }

    /// <inheritdoc/>
    public async Task<T> WriteAsync<T>(Func<IMetadataWriter, T> change, CancellationToken cancellationToken)
    {
        MetadataFault? fault = Begin(MetadataOperation.Write);
        T answer = await inner.WriteAsync(writer => During(fault, change(writer)), cancellationToken);
        return After(fault, answer);
    }

    /// <inheritdoc/>
    public async Task WaitForChangeAsync(long after, CancellationToken cancellationToken)
    {
        MetadataFault? fault = Begin(MetadataOperation.WaitForChange);
        await inner.WaitForChangeAsync(after, cancellationToken);
        _ = After(fault, 0);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private static T During<T>(MetadataFault? fault, T answer) =>
        fault is { Moment: MetadataFaultMoment.During } ? throw fault.Exception : answer;

    private static T After<T>(MetadataFault? fault, T answer) => fault is not null ? throw fault.Exception : answer;

    private MetadataFault? Begin(MetadataOperation operation)
    {
        MetadataCall call = new(operation, Interlocked.Increment(ref _numbers[(int)operation]));
        _calls.Enqueue(call);
        MetadataFault? fault = plan(call);
        return fault is { Moment: MetadataFaultMoment.Before } ? throw fault.Exception : fault;
    }
}

/// <summary>The calls of a metadata store.</summary>
public enum MetadataOperation
{
    /// <summary><see cref="IMetadataStore.ReadAsync"/>.</summary>
    Read,

    /// <summary><see cref="IMetadataStore.WriteAsync"/>.</summary>
    Write,

    /// <summary><see cref="IMetadataStore.WaitForChangeAsync"/>.</summary>
    WaitForChange,
}

/// <summary>When a fault strikes.</summary>
public enum MetadataFaultMoment
{
    /// <summary>The function does not run.</summary>
    Before,

    /// <summary>The function runs to its end, and what it changed is rolled back. For a wait as <see cref="After"/>.</summary>
    During,

    /// <summary>The change is durable, and its answer is lost.</summary>
    After,
}

/// <summary>One call.</summary>
/// <param name="Operation">What was called.</param>
/// <param name="Number">1 for the first call of this operation, in the order of their beginning.</param>
public readonly record struct MetadataCall(MetadataOperation Operation, int Number);

/// <summary>What happens to a call.</summary>
/// <param name="Moment">When it fails.</param>
/// <param name="Exception">What is thrown.</param>
public sealed record MetadataFault(MetadataFaultMoment Moment, Exception Exception);
