# A Redmine for tests: the installed program on a copy of its database, with a clock
# that can be set on and a door through which a test plays the administrator.
require "time"
require "fileutils"

class << Time
  attr_accessor :ahead # seconds

  alias_method :true_now, :now
  def now(...)
    true_now(...) + (ahead || 0)
  end
end

require "/usr/share/redmine/config/environment"
Rails.logger.level = Logger::FATAL
Setting.rest_api_enabled = "1"
# Mails are written in other threads, which meet those that answer at SQLite's lock.
ActiveJob::Base.queue_adapter = :test

# It ends with the test binary, however that ends.
Thread.new do
  STDIN.read
  FileUtils.rm_rf(ENV.fetch("TRIMTAB_SITE"))
  exit!(0)
end

site = lambda do |env|
  if env["PATH_INFO"] != "/-/ruby"
    status, head, body = Rails.application.call(env)
    head["Date"] = Time.now.httpdate unless $dateless # as the proxy before a real one adds it
    next [status, head, body]
  end
  next [403, {}, []] unless env["HTTP_X_TEST_KEY"] == ENV.fetch("TRIMTAB_KEY")
  begin
    [200, {}, [eval(env["rack.input"].read, TOPLEVEL_BINDING).to_json]]
  rescue Exception => e # whatever it is, the test shows it
    [500, {}, [e.full_message(highlight: false)]]
  end
end
run site
