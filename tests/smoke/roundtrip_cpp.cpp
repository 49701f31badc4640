/* SPDX-License-Identifier: BSD-3-Clause */
/* roundtrip-cpp SOCKET: libvex from C++, as it stands: publish, subscribe with a filter, read. */
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "vex/vex.h"

namespace {

void require(bool condition, const char *what)
{
	if (!condition)
		throw std::runtime_error(std::string(what) + ": " + vex_last_error());
}

class Port {
public:
	explicit Port(const std::string &socket)
	{
		vex_port_options options{};
		options.socket = socket.c_str();
		options.name = "c++";
		require(vex_port_open(&options, &port) == 0, "vex_port_open");
		require(vex_lane_open(port, &lane) == 0, "vex_lane_open");
	}
	~Port() { vex_port_close(port); }
	Port(const Port &) = delete;
	Port &operator=(const Port &) = delete;

	void publish(vex_type type, const std::string &path)
	{
		vex_event event{};
		event.type = static_cast<uint16_t>(type);
		event.has = VEX_HAS_PATH;
		event.path.data = path.data();
		event.path.len = path.size();
		require(vex_publish(lane, &event) == 0, "vex_publish");
	}

private:
	vex_port *port = nullptr;
	vex_lane *lane = nullptr;
};

class Subscription {
public:
	Subscription(const std::string &socket, vex_type type)
	{
		vex_subscribe_options options{};
		options.socket = socket.c_str();
		vex_filter_add_type(&options.filter, type);
		require(vex_subscribe(&options, &sub) == 0, "vex_subscribe");
	}
	~Subscription() { vex_unsubscribe(sub); }
	Subscription(const Subscription &) = delete;
	Subscription &operator=(const Subscription &) = delete;

	std::vector<std::string> read(std::size_t count)
	{
		std::vector<std::string> paths;

		while (paths.size() < count) {
			const vex_record *records[16];
			int n = vex_read(sub, records, 16);

			require(n >= 0, "vex_read");
			for (int i = 0; i < n; i++)
				paths.push_back(path_of(records[i]));
			if (!n)
				require(vex_wait(sub, 20000) == 1, "vex_wait");
		}
		return paths;
	}

private:
	static std::string path_of(const vex_record *record)
	{
		uint32_t len = 0;
		auto data = static_cast<const char *>(vex_record_attr(record, VEX_ATTR_PATH, &len));

		return data ? std::string(data, len) : std::string();
	}

	vex_subscription *sub = nullptr;
};

void run(const std::string &socket)
{
	Subscription renames(socket, VEX_RENAME);
	Port port(socket);

	for (int i = 0; i < 100; i++) {
		port.publish(VEX_OPEN, "/not/asked/for");
		port.publish(VEX_RENAME, "/file/" + std::to_string(i));
	}
	auto paths = renames.read(100);
	for (int i = 0; i < 100; i++)
		require(paths.at(i) == "/file/" + std::to_string(i), "the path");
}

} // namespace

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	try {
		run(argv[1]);
	} catch (const std::exception &error) {
		std::fprintf(stderr, "roundtrip-cpp: %s\n", error.what());
		return 1;
	}
	return 0;
}
