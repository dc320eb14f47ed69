using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Wire.Local;

namespace Pachyderm.Pachd.Hosting;

/// <summary>
/// Takes the files that clients on this machine have open, so that their bytes need not come through a connection: the <c>HandOver</c> of
/// the wire API. Only from processes of the same user, or of root, who could stop this one anyway.
/// </summary>
internal sealed class HandOverDesk : BackgroundService
{
    private const int Backlog = 64;

    // One who connects has the message ready.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<UInt128, HandOverTicket> _awaited = new();
    private readonly string _name = DescriptorSocket.NamePrefix + RandomNumberGenerator.GetHexString(32, lowercase: true);
    private readonly Socket? _listener;

    /// <summary>Opens the socket, where there are such ones. Nobody can tell its name who was not told.</summary>
    public HandOverDesk()
    {
        if (!DescriptorSocket.IsSupported)
        {
            return;
        }
        try
        {
            _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            _listener.Bind(new UnixDomainSocketEndPoint("\0" + _name));
            _listener.Listen(Backlog);
        }
        catch (SocketException)
        {
            // A machine that forbids such sockets can do without: the bytes are sent.
            _listener?.Dispose();
            _listener = null;
        }
    }

    /// <summary>Offers to take a file; null where that does not work. The file is closed when the ticket is disposed of.</summary>
    public HandOverTicket? Offer()
    {
        if (_listener is null)
        {
            return null;
        }
        byte[] number = RandomNumberGenerator.GetBytes(DescriptorSocket.TicketLength);
        HandOverTicket ticket = new(_name, number, this);
        _awaited[Key(number)] = ticket;
        return ticket;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _listener?.Dispose();
        base.Dispose();
    }

    internal void Forget(HandOverTicket ticket) => _awaited.TryRemove(Key(ticket.Number), out _);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (_listener is not null)
        {
            try
            {
                Socket client = await _listener.AcceptAsync(stoppingToken);
                _ = ReceiveAsync(client, stoppingToken);
            }
            catch (SocketException)
            {
                // No descriptors are left, or the client is gone already.
                await Task.Delay(Pause, stoppingToken);
            }
        }
    }

    private static UInt128 Key(ReadOnlySpan<byte> number) => System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(number);

    // Whatever goes wrong here, the client notices that nobody answers, and sends the bytes.
    private async Task ReceiveAsync(Socket client, CancellationToken stopping)
    {
        using (client)
        using (var deadline = CancellationTokenSource.CreateLinkedTokenSource(stopping))
        {
            deadline.CancelAfter(Patience);
            try
            {
                if (!DescriptorSocket.HasTrustedPeer(client))
                {
                    return;
                }
                // Ends when there is something to read.
                await client.ReceiveAsync(Memory<byte>.Empty, deadline.Token);
                byte[] number = new byte[DescriptorSocket.TicketLength];
                int length = DescriptorSocket.Receive(client, number, out SafeFileHandle? file);
                if (length == number.Length && file is not null && _awaited.TryRemove(Key(number), out HandOverTicket? ticket))
                {
                    ticket.Put(file);
                    await client.SendAsync(new byte[1], deadline.Token);
                }
                else
                {
                    file?.Dispose();
                }
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                // As if it had never come.
            }
        }
    }
}

/// <summary>The offer to take one file.</summary>
internal sealed class HandOverTicket(string socket, byte[] number, HandOverDesk desk) : IDisposable
{
    private readonly Lock _gate = new();
    private SafeFileHandle? _file;
    private bool _disposed;

    /// <summary>The abstract name of the socket where it is taken.</summary>
    public string Socket => socket;

    /// <summary>What has to be shown there.</summary>
    public byte[] Number => number;

    /// <summary>What was handed over; null if nothing was.</summary>
    public SafeFileHandle? File
    {
        get
        {
            lock (_gate)
            {
                return _file;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        desk.Forget(this);
        lock (_gate)
        {
            _disposed = true;
            _file?.Dispose();
        }
    }

    internal void Put(SafeFileHandle file)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                file.Dispose();
                return;
            }
            _file = file;
        }
    }
}
